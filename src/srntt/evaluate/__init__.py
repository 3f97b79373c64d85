"""Metrics and named protocols: how good an upscaler is, said so that another can repeat it."""

from srntt.evaluate._changes import CHANGE_KINDS, ChangeKind, ReferenceChange
from srntt.evaluate._compare import (
    Difference,
    compare_reports,
    compare_with,
    comparison_json,
    comparison_table,
    paired_interval,
)
from srntt.evaluate._dists import DistsWeights, dists
from srntt.evaluate._environment import environment
from srntt.evaluate._evaluation import Evaluation, Score, not_taken, score_pairs, taken_metrics
from srntt.evaluate._identity import commit, folder_name, pixels_sha256, weights_of
from srntt.evaluate._journal import JOURNAL_FILE, Journal
from srntt.evaluate._layouts import Layout, drawn
from srntt.evaluate._lpips import LpipsWeights, lpips
from srntt.evaluate._methods import Answer, Method, Reference, bicubic, bicubic_matlab, lanczos, model_method
from srntt.evaluate._metric_weights import dists_path, get_dists, get_lpips, load_dists, load_lpips, lpips_path
from srntt.evaluate._metrics import DEFAULT_METRICS, METRICS, Comparison, Metric, Metrics, choose_metrics, mean_scores
from srntt.evaluate._page import VIEWS
from srntt.evaluate._pairs import REFERENCE_KINDS, Pair, ReferenceKind, read_pairs
from srntt.evaluate._peer_process import PEERS_PYTHON, PeerProcess
from srntt.evaluate._peers import PEER_NETWORKS, PEERS, Peer, open_peer, peer_names
from srntt.evaluate._perceptual_nets import Backbone
from srntt.evaluate._pixels import LumaSpan, luma, round_to_bytes
from srntt.evaluate._prepare import Case, check_pictures, prepare, read_rgb, read_target
from srntt.evaluate._protocols import PAIRS, PROTOCOLS, Protocol, protocol_named
from srntt.evaluate._psnr import lr_psnr, psnr_rgb, psnr_y
from srntt.evaluate._report import as_json, check_report, table, write_report
from srntt.evaluate._ssim import ssim_rgb, ssim_y
from srntt.evaluate._texture import texture_distance
from srntt.evaluate._view import View
from srntt.evaluate._warm_up import warmed

__all__ = [
    "CHANGE_KINDS",
    "DEFAULT_METRICS",
    "JOURNAL_FILE",
    "METRICS",
    "PAIRS",
    "PEERS",
    "PEERS_PYTHON",
    "PEER_NETWORKS",
    "PROTOCOLS",
    "REFERENCE_KINDS",
    "VIEWS",
    "Answer",
    "Backbone",
    "Case",
    "ChangeKind",
    "Comparison",
    "Difference",
    "DistsWeights",
    "Evaluation",
    "Journal",
    "Layout",
    "LpipsWeights",
    "LumaSpan",
    "Method",
    "Metric",
    "Metrics",
    "Pair",
    "Peer",
    "PeerProcess",
    "Protocol",
    "Reference",
    "ReferenceChange",
    "ReferenceKind",
    "Score",
    "View",
    "as_json",
    "bicubic",
    "bicubic_matlab",
    "check_pictures",
    "check_report",
    "choose_metrics",
    "commit",
    "compare_reports",
    "compare_with",
    "comparison_json",
    "comparison_table",
    "dists",
    "dists_path",
    "drawn",
    "environment",
    "folder_name",
    "get_dists",
    "get_lpips",
    "lanczos",
    "load_dists",
    "load_lpips",
    "lpips",
    "lpips_path",
    "lr_psnr",
    "luma",
    "mean_scores",
    "model_method",
    "not_taken",
    "open_peer",
    "paired_interval",
    "peer_names",
    "pixels_sha256",
    "prepare",
    "protocol_named",
    "psnr_rgb",
    "psnr_y",
    "read_pairs",
    "read_rgb",
    "read_target",
    "round_to_bytes",
    "score_pairs",
    "ssim_rgb",
    "ssim_y",
    "table",
    "taken_metrics",
    "texture_distance",
    "warmed",
    "weights_of",
    "write_report",
]
