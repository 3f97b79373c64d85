"""Names of the outputs of a folder: derived from those of the inputs, and unique on any file system."""

import posixpath
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, count

_FALLBACK = ".png"  # represents every output of srntt


def output_names(
    pictures: Sequence[str], suffix: str | None = None, sidecars: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Choose the candidate names of each picture's output, best first; all names of all pictures are unique.

    They are also unique on file systems that ignore case or Unicode composition, and differ from the names of folders.
    They depend on the list only: ``photo.jpg`` becomes ``photo.jpg``, or ``photo.png`` if JPEG cannot represent the
    output. On a collision, the picture that already has the name keeps it; the others keep their suffix before the new
    one (``photo.jpg.png``), and remaining collisions are numbered (``photo-2.png``).

    Args:
        pictures: Names relative to the input folder, with ``/`` as separator, unique.
        suffix: Suffix of all outputs, such as ``.png``; None keeps that of each picture.
        sidecars: Suffixes appended to the name of an output for its side files; no output gets such a name.

    Returns:
        Candidate names by picture.

    Example:
        >>> output_names(["a.jpg", "a.png", "b.jpg"], ".png")
        {'a.jpg': ('a.jpg.png',), 'a.png': ('a.png',), 'b.jpg': ('b.png',)}
        >>> output_names(["b.webp"])
        {'b.webp': ('b.webp', 'b.png')}
    """
    taken = {sameness(folder) for name in pictures for folder in folders_above(name)}
    first = _assign({name: _renamed(name, suffix) for name in pictures}, taken, sidecars)
    if suffix is not None:
        return {name: (first[name],) for name in pictures}
    others = [name for name in pictures if posixpath.splitext(first[name])[1].lower() != _FALLBACK]
    second = _assign({name: _renamed(name, _FALLBACK) for name in others}, taken, sidecars)
    return {name: (first[name], *((second[name],) if name in second else ())) for name in pictures}


def sameness(name: str) -> str:
    """Return a key that is equal for names that some file system treats as equal (Unicode 3.13, caseless matching)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _assign(wanted: dict[str, str], taken: set[str], sidecars: Sequence[str]) -> dict[str, str]:
    """Assign a free name to each picture, the wanted one unless contested, and add the names to ``taken``."""

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


def folders_above(name: str) -> Iterator[str]:
    """Yield the folders of a name, the innermost first."""
    while name := posixpath.dirname(name):
        yield name
