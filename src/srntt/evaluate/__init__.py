"""Metrics and named protocols: how good an upscaler is, said so that another can repeat it."""

from srntt.evaluate._environment import environment
from srntt.evaluate._evaluation import Evaluation, Score, read_target, score_pairs
from srntt.evaluate._methods import PEERS, Answer, Method, bicubic, model_method
from srntt.evaluate._metrics import luma, psnr_rgb, psnr_y, round_to_bytes, ssim_y
from srntt.evaluate._pairs import REFERENCE_KINDS, Pair, ReferenceKind, read_pairs
from srntt.evaluate._protocols import PAIRS, PROTOCOLS, Protocol, protocol_named
from srntt.evaluate._report import as_json, check_report, table, write_report

__all__ = [
    "PAIRS",
    "PEERS",
    "PROTOCOLS",
    "REFERENCE_KINDS",
    "Answer",
    "Evaluation",
    "Method",
    "Pair",
    "Protocol",
    "ReferenceKind",
    "Score",
    "as_json",
    "bicubic",
    "check_report",
    "environment",
    "luma",
    "model_method",
    "protocol_named",
    "psnr_rgb",
    "psnr_y",
    "read_pairs",
    "read_target",
    "round_to_bytes",
    "score_pairs",
    "ssim_y",
    "table",
    "write_report",
]
