"""Photographs to a folder to train from: what ``srntt corpus build`` does."""

from srntt.train.corpus._build import UNKNOWN, CorpusLimits, CorpusReport, LeftOut, build_corpus
from srntt.train.corpus._manifest import MANIFEST, Entry, Manifest

__all__ = [
    "MANIFEST",
    "UNKNOWN",
    "CorpusLimits",
    "CorpusReport",
    "Entry",
    "LeftOut",
    "Manifest",
    "build_corpus",
]
