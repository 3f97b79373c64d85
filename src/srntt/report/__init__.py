"""Reports of evaluations: tables, JSON, an HTML page, and comparisons of two reports."""

from srntt.report._compare import compare_reports, comparison_table
from srntt.report._measured import not_taken
from srntt.report._page import CROPS
from srntt.report._report import as_json, check_report, table, write_report

__all__ = ["compare_reports", "table", "write_report"]
