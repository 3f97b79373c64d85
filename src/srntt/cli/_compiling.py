"""Note on the first use of a new installation, when Numba compiles code for the machine and caches it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class CompilationNote:
    """Note on compilation, printed at most once."""

    def __init__(self) -> None:
        self.shown = False

    def show(self) -> None:
        """Print the note, unless shown already."""
        if not self.shown:
            self.shown = True
            print("compiling for this machine, once: up to a minute", file=sys.stderr, flush=True)


@contextmanager
def compiling_reported() -> Iterator[CompilationNote]:
    """Print a note on stderr when Numba compiles a function within the block, rather than loading it from the cache.

    Imports Numba, which reading pictures does anyway.
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
