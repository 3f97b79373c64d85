"""Shared by all fuzzers: seeds, a stored corpus, and the check that only our errors are raised."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

from srntt.errors import SrnttError


def fuzz(target: Callable[[bytes], object], seeds: Iterable[bytes]) -> None:
    """Run a target on what libFuzzer makes of a corpus; the folder is its last argument, and gets the seeds if empty.

    An SrnttError is the answer that hostile bytes should get. Any other exception, a crash, more memory or time than
    libFuzzer was allowed (``-rss_limit_mb``, ``-timeout``) is a finding, and ends the run.
    """
    corpus = Path(sys.argv[-1])
    corpus.mkdir(parents=True, exist_ok=True)
    if not any(corpus.iterdir()):
        for number, seed in enumerate(seeds):
            (corpus / f"seed-{number}").write_bytes(seed)

    def once(data: bytes) -> None:
        try:
            target(data)
        except SrnttError:
            return

    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
