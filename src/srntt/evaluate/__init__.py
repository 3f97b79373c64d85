"""Reproducible evaluation: named protocols and scoring."""

from srntt.evaluate._changes import ReferenceChange
from srntt.evaluate._crops import Crops
from srntt.evaluate._evaluation import Evaluation, Score, finite
from srntt.evaluate._evaluator import Evaluator, Run
from srntt.evaluate._journal import Journal
from srntt.evaluate._metrics import METRICS, Metric, MetricInput, choose_metrics, mean_scores, metric_named
from srntt.evaluate._origin import environment
from srntt.evaluate._outputs import Outputs
from srntt.evaluate._peers import PEERS, Peer, base_alone, open_peer
from srntt.evaluate._prepare import check_pictures
from srntt.evaluate._protocols import PROTOCOLS, Protocol, protocol_named
from srntt.evaluate._scoring import score_pairs
from srntt.evaluate._upscale import PreparedReference, Upscale, Upscaled, by_model

__all__ = [
    "PEERS",
    "PROTOCOLS",
    "Evaluation",
    "Outputs",
    "Protocol",
    "ReferenceChange",
    "Score",
    "Upscaled",
    "choose_metrics",
    "open_peer",
    "score_pairs",
]
