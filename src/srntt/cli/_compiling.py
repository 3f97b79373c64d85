"""The wait of a new installation: what Numba compiles for this machine is compiled at first use, and then kept."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class CompilationNote:
    """Says once that something is compiled, and knows whether it did."""

    def __init__(self) -> None:
        self.shown = False

    def show(self) -> None:
        """Say so."""
        if not self.shown:
            self.shown = True
            print("compiling for this machine, once: up to a minute", file=sys.stderr, flush=True)


@contextmanager
def compiling_reported() -> Iterator[CompilationNote]:
    """Within this block, the first function that Numba compiles, not finding it kept, is told of on stderr.

    Imports Numba, which whatever reads pictures does anyway.
    """
    from numba.core.event import Event, Listener, register, unregister

    note = CompilationNote()

    class Heard(Listener):
        def on_start(self, event: Event) -> None:
            note.show()

        def on_end(self, event: Event) -> None:
            pass

    heard = Heard()
    register("numba:compile", heard)
    try:
        yield note
    finally:
        unregister("numba:compile", heard)
