"""The wait of a new installation: what Numba compiles for this machine is compiled at first use, and then kept."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def telling_of_compiling() -> Iterator[None]:
    """Within this block, the first function that Numba compiles, not finding it kept, is told of on stderr.

    Imports Numba, which whatever reads pictures does anyway.
    """
    from numba.core.event import Event, Listener, register, unregister

    class CompilationNote(Listener):
        shown = False

        def on_start(self, event: Event) -> None:
            if not self.shown:
                self.shown = True
                print("compiling for this machine, once: up to a minute", file=sys.stderr, flush=True)

        def on_end(self, event: Event) -> None:
            pass

    note = CompilationNote()
    register("numba:compile", note)
    try:
        yield
    finally:
        unregister("numba:compile", note)
