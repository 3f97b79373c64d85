"""References are encoded once, and forgotten when they take too much."""

from types import SimpleNamespace

import pytest
import torch

from srntt.batch._encoded import EncodedReferences, Key
from srntt.batch._shared_references import ReferenceFile
from srntt.models import EncodedView
from srntt.upscale import References
from srntt.views import PlaneMap

_MORE = ("plain", "turned")


def file(name: str) -> ReferenceFile:
    return ReferenceFile(f"{name}.png", name * 64)


def cache(most: int) -> SimpleNamespace:
    """References of 400 bytes a view."""
    requests = []

    def encode(reference: ReferenceFile, views: tuple[str, ...]) -> References:
        requests.append((reference.sha256[0], views))
        item = EncodedView(0, "somewhere", "plain", 8, 8, PlaneMap(), {"map": torch.zeros(1, 10, 10)})
        return References("model", [item] * len(views), (), (f"note on {reference.name}",))

    return SimpleNamespace(requests=requests, kept=EncodedReferences(encode, most))


def test_several_files_become_references_as_if_encoded_together():
    made = cache(10_000).kept.get([file("a"), file("b")], views=_MORE)
    assert made is not None
    assert [(item.number, item.source) for item in made] == [
        (0, "a.png"),
        (0, "a.png"),
        (1, "b.png"),
        (1, "b.png"),
    ]
    assert made.sources == ("a.png", "b.png")
    assert made.fallbacks == ("note on a.png", "note on b.png")


def test_none_are_none():
    assert cache(10_000).kept.get([]) is None


def test_the_same_content_is_encoded_once_whatever_it_is_called_but_other_views_are_another_thing():
    made = cache(10_000)
    made.kept.get([file("a")])
    again = made.kept.get([file("a")._replace(name="moved.png")])
    assert again is not None
    assert again.sources == ("moved.png",)
    made.kept.get([file("a")], views=_MORE)
    assert made.requests == [("a", ("plain",)), ("a", _MORE)]
    assert made.kept.counts == {"encoded": 2, "reused": 1}


def test_what_was_not_used_for_longest_goes_first():
    made = cache(800)
    for names in ("a", "b", "a", "c", "a", "b"):
        made.kept.get([file(name) for name in names])
    assert [name for name, _ in made.requests] == ["a", "b", "c", "b"]
    assert made.kept.bytes == 800


def test_those_of_the_picture_at_hand_are_kept_whatever_they_take():
    made = cache(400)
    for _ in range(3):
        made.kept.get([file("a"), file("b"), file("c")])
    assert len(made.requests) == 3
    assert made.kept.bytes == 1200
    assert not made.kept.trim([file("a"), file("b"), file("c")])
    assert made.kept.trim([file("a")])
    assert made.kept.bytes == 400


class Shelf:
    """What another worker encoded, and what this one was asked."""

    def __init__(self, **found: References) -> None:
        self.found, self.added, self.given_up = found, [], []

    def find(self, key: Key) -> References | None:
        return self.found.get(key[0][0])

    def add(self, key: Key, references: References) -> None:
        self.added.append(key[0][0])

    def give_up(self, key: Key) -> None:
        self.given_up.append(key[0][0])


def test_what_another_worker_encoded_is_fetched_and_what_is_encoded_here_is_offered():
    def encode(reference: ReferenceFile, _: tuple[str, ...]) -> References:
        if reference.name == "c.png":
            raise KeyboardInterrupt
        return References("model", [])

    shelf = Shelf(a=References("model", []))
    kept = EncodedReferences(encode, 1000, shelf)
    kept.get([file("a"), file("b"), file("a")])
    with pytest.raises(KeyboardInterrupt):
        kept.get([file("c")])
    assert kept.counts == {"fetched": 1, "encoded": 1, "reused": 1}
    assert (shelf.added, shelf.given_up) == (["b"], ["c"])
