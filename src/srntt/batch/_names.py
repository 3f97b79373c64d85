"""What the outputs of a folder are called: like their inputs, and no two alike on any file system."""

import posixpath
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count

_FALLBACK = ".png"  # holds every picture that srntt makes


def output_names(
    pictures: Sequence[str], suffix: str | None = None, sidecars: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    """The names that each picture's output may get, best first; all names of all pictures differ.

    They also differ on file systems that do not tell upper from lower case, or composed from decomposed accents, and
    none is that of a folder. Names follow from the list alone: ``photo.jpg`` gives ``photo.jpg``, or ``photo.png``
    where JPEG cannot hold the output. Where several would get one name, only the picture that has it keeps it; the
    others keep their own suffix before the new one (``photo.jpg.png``), and what still collides is numbered
    (``photo-2.png``).

    Args:
        pictures: names relative to the inputs' folder, ``/`` between folders; no two equal.
        suffix: such as ``.png``, for all; None keeps each one's own.
        sidecars: what is appended to an output's name for each file that goes beside it: no output gets their names.

    Example:
        >>> output_names(["a.jpg", "a.png", "b.jpg"], ".png")
        {'a.jpg': ('a.jpg.png',), 'a.png': ('a.png',), 'b.jpg': ('b.png',)}
        >>> output_names(["b.webp"])
        {'b.webp': ('b.webp', 'b.png')}
    """
    taken = {sameness(folder) for name in pictures for folder in _folders(name)}
    first = _assign({name: _renamed(name, suffix) for name in pictures}, taken, sidecars)
    if suffix is not None:
        return {name: (first[name],) for name in pictures}
    others = [name for name in pictures if posixpath.splitext(first[name])[1].lower() != _FALLBACK]
    second = _assign({name: _renamed(name, _FALLBACK) for name in others}, taken, sidecars)
    return {name: (first[name], *((second[name],) if name in second else ())) for name in pictures}


def sameness(name: str) -> str:
    """Equal for names that some file system takes for one (Unicode 3.13, canonical caseless matching)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _assign(wanted: dict[str, str], taken: set[str], sidecars: Sequence[str]) -> dict[str, str]:
    """A free name for each, as wanted where nobody else wants it; names given out are added to ``taken``."""

    def free(name: str) -> bool:
        return taken.isdisjoint(_files(name, sidecars))

    claims = Counter(map(sameness, wanted.values()))
    order = sorted(wanted, key=lambda name: (wanted[name] != name, name))
    given: dict[str, str] = {}
    for name in order:
        plain = wanted[name]
        if (plain == name or claims[sameness(plain)] == 1) and free(plain):
            given[name] = plain
            taken |= _files(plain, sidecars)
    for name in order:
        if name not in given:
            given[name] = next(filter(free, _others(name, wanted[name])))
            taken |= _files(given[name], sidecars)
    return given


def _files(name: str, sidecars: Sequence[str]) -> set[str]:
    return {sameness(name + more) for more in ("", *sidecars)}


def _others(name: str, plain: str) -> Iterator[str]:
    stem, suffix = posixpath.splitext(plain)
    distinct = () if plain == name else (name + suffix,)
    return chain(distinct, (f"{stem}-{number}{suffix}" for number in count(2)))


def _renamed(name: str, suffix: str | None) -> str:
    return name if suffix is None else posixpath.splitext(name)[0] + suffix


def _folders(name: str) -> Iterable[str]:
    while name := posixpath.dirname(name):
        yield name
