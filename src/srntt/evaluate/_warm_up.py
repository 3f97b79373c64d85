"""What a method does once only (compiling, loading, filling caches) is no part of its time for a picture."""

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from srntt._shapes import UInt8
from srntt.data import read_rgb
from srntt.evaluate._methods import Answer, Method, Reference

_SMALL, _REFERENCE = 32, 128  # pixels along a side


def warmed(method: Method, *beside: Method) -> Method:
    """The same method; before its first picture it is run, untimed, on a corner of that and of its references.

    Args:
        method: which. Where it tells no seconds of its own, a clock around it does.
        beside: run on the corner, too: ways that the method may take for larger pictures only.
    """
    warm = False

    def answer(low_res: UInt8[np.ndarray, "h w 3"], references: Sequence[Reference]) -> Answer:
        nonlocal warm
        if not warm:
            corner = np.ascontiguousarray(low_res[:_SMALL, :_SMALL])
            for one in (*beside, method):
                one(corner, [_corner(reference) for reference in references])
            warm = True
        started = time.perf_counter()
        given = method(low_res, references)
        return given if given.seconds is not None else replace(given, seconds=time.perf_counter() - started)

    return answer


def _corner(reference: Reference) -> UInt8[np.ndarray, "h w 3"]:
    whole = reference if isinstance(reference, np.ndarray) else read_rgb(reference)
    return np.ascontiguousarray(whole[:_REFERENCE, :_REFERENCE])
