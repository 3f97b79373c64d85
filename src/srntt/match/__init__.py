"""Patch matching: the best patch among all references for each patch of the query (Eq. 1-3)."""

from srntt.match._dense import dense_match
from srntt.match._fast import fast_match, fast_match_bytes
from srntt.match._local import local_match
from srntt.match._match import Match, Window, keep_best
from srntt.match._matchers import MATCHERS, Matcher, MatcherChoice, choose_matcher
from srntt.match._problem import TIE, Sizes
from srntt.match._strips import STRIP, fast_match_strips

__all__ = ["Match", "dense_match", "fast_match"]
