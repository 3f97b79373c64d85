"""What is written of an evaluation: tables, JSON, a page, and comparisons of two reports."""

from srntt.report._compare import (
    Difference,
    compare_reports,
    compare_with,
    comparison_json,
    comparison_table,
    paired_interval,
)
from srntt.report._page import VIEWS
from srntt.report._report import as_json, check_report, table, write_report

__all__ = [
    "VIEWS",
    "Difference",
    "as_json",
    "check_report",
    "compare_reports",
    "compare_with",
    "comparison_json",
    "comparison_table",
    "paired_interval",
    "table",
    "write_report",
]
