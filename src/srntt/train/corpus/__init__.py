"""Photographs to a folder to train from: what ``srntt corpus build`` does."""

from srntt.train.corpus._build import UNKNOWN, build_corpus
from srntt.train.corpus._manifest import Manifest
from srntt.train.corpus._outcome import CorpusLimits, CorpusReport
