"""Named protocols and scoring: how good an upscaler is, so that another can repeat it."""

from srntt.evaluate._changes import CHANGE_KINDS, ChangeKind, ReferenceChange
from srntt.evaluate._environment import environment
from srntt.evaluate._evaluation import Evaluation, Score, not_taken, score_pairs, taken_metrics
from srntt.evaluate._identity import commit, folder_name, pixels_sha256, weights_of
from srntt.evaluate._journal import JOURNAL_FILE, Journal
from srntt.evaluate._methods import Answer, Method, Reference, bicubic, bicubic_matlab, lanczos, model_method
from srntt.evaluate._metrics import (
    DEFAULT_METRICS,
    METRICS,
    Comparison,
    Metric,
    Metrics,
    choose_metrics,
    mean_scores,
    metric_named,
    shown_metric,
)
from srntt.evaluate._peer_process import PEERS_PYTHON, PeerProcess
from srntt.evaluate._peers import PEER_NETWORKS, PEERS, Peer, open_peer, peer_names
from srntt.evaluate._prepare import Case, check_pictures, prepare, read_target
from srntt.evaluate._protocols import PAIRS, PROTOCOLS, Protocol, protocol_named
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
    "Answer",
    "Case",
    "ChangeKind",
    "Comparison",
    "Evaluation",
    "Journal",
    "Method",
    "Metric",
    "Metrics",
    "Peer",
    "PeerProcess",
    "Protocol",
    "Reference",
    "ReferenceChange",
    "Score",
    "View",
    "bicubic",
    "bicubic_matlab",
    "check_pictures",
    "choose_metrics",
    "commit",
    "environment",
    "folder_name",
    "lanczos",
    "mean_scores",
    "metric_named",
    "model_method",
    "not_taken",
    "open_peer",
    "peer_names",
    "pixels_sha256",
    "prepare",
    "protocol_named",
    "read_target",
    "score_pairs",
    "shown_metric",
    "taken_metrics",
    "warmed",
    "weights_of",
]
