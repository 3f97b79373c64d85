"""References are encoded once, and forgotten when they take too much."""

from types import SimpleNamespace

import torch

from srntt.batch import EncodedReferences, ReferenceFile
from srntt.models import EncodedView
from srntt.upscale import References
from srntt.views import PlaneMap

_MORE = ("plain", "turned")


def file(name: str) -> ReferenceFile:
    return ReferenceFile(f"{name}.png", f"/refs/{name}.png", name * 64)


def cache(most: int) -> SimpleNamespace:
    """References of 400 bytes a view."""
    asked = []

    def encode(reference: ReferenceFile, views: tuple[str, ...]) -> References:
        asked.append((reference.sha256[0], views))
        item = EncodedView(0, "somewhere", "plain", 8, 8, PlaneMap(), {"map": torch.zeros(1, 10, 10)})
        return References("model", [item] * len(views), (f"note on {reference.name}",))

    return SimpleNamespace(asked=asked, kept=EncodedReferences(encode, most))


def test_several_files_become_references_as_if_encoded_together():
    made = cache(10_000).kept.get([file("a"), file("b")], views=_MORE)
    assert made is not None
    assert [(item.number, item.source) for item in made] == [
        (0, "/refs/a.png"),
        (0, "/refs/a.png"),
        (1, "/refs/b.png"),
        (1, "/refs/b.png"),
    ]
    assert made.sources == ("/refs/a.png", "/refs/b.png")
    assert made.fallbacks == ("note on a.png", "note on b.png")


def test_none_are_none():
    assert cache(10_000).kept.get([]) is None


def test_the_same_content_is_encoded_once_whatever_it_is_called_but_other_views_are_another_thing():
    made = cache(10_000)
    made.kept.get([file("a")])
    again = made.kept.get([file("a")._replace(path="/moved.png")])
    assert again is not None
    assert again.sources == ("/moved.png",)
    made.kept.get([file("a")], views=_MORE)
    assert made.asked == [("a", ("plain",)), ("a", _MORE)]
    assert (made.kept.encoded, made.kept.reused) == (2, 1)


def test_what_was_not_used_for_longest_goes_first():
    made = cache(800)
    for names in ("a", "b", "a", "c", "a", "b"):
        made.kept.get([file(name) for name in names])
    assert [name for name, _ in made.asked] == ["a", "b", "c", "b"]
    assert made.kept.bytes == 800


def test_those_of_the_picture_at_hand_are_kept_whatever_they_take():
    made = cache(400)
    for _ in range(3):
        made.kept.get([file("a"), file("b"), file("c")])
    assert len(made.asked) == 3
    assert made.kept.bytes == 1200
    assert not made.kept.trim([file("a"), file("b"), file("c")])
    assert made.kept.trim([file("a")])
    assert made.kept.bytes == 400
