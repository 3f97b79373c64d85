"""One order through the real engine: what comes of it, what is refused, and what cancelling leaves."""

from pathlib import Path
from typing import Any

import pytest
from library.album import LOW, save, write_album
from views.aligned.scenes import low_res_to_scene, scene, seen

from srntt.demo import OrderLimits
from srntt.demo._line import Ticket
from srntt.demo._order import Done, Failed, Fulfilment, Order
from srntt.errors import Cancelled, InputError, PictureError
from srntt.library import Library
from srntt.upscale import Upscaler


class Recorded(Ticket):
    """Remembers what it was told, and is withdrawn at a certain stage."""

    def __init__(self, withdrawn_at: str = "") -> None:
        super().__init__("someone", lambda ticket: None)
        self.reported: list[tuple[str, int, int]] = []
        self._at = withdrawn_at

    def report(self, stage: str, done: int, total: int) -> None:
        if stage == self._at:
            self.cancel()
        super().report(stage, done, total)
        self.reported.append((stage, done, total))


@pytest.fixture(scope="module")
def upscaler(model: Path) -> Upscaler:
    return Upscaler.from_pretrained(model, device="cpu")


@pytest.fixture
def run(files: Path, upscaler: Upscaler):
    def run(
        picture: str,
        *references: str,
        ticket: Ticket | None = None,
        limits: OrderLimits = OrderLimits(),  # noqa: B008
        **wishes: Any,
    ) -> Done:
        order = Order((str(files / picture),), tuple(str(files / name) for name in references), "tiny", **wishes)
        (made,) = Fulfilment(order, limits, lambda name: upscaler, ticket or Recorded()).results()
        if isinstance(made, Failed):
            raise made.error
        return made

    return run


def test_done(run, files: Path, upscaler: Upscaler) -> None:
    done = run("small.png", "sharp.png", "other.png")
    assert [used.source for used in done.result.references] == ["sharp.png", "other.png"]
    assert [each.source for each in done.references] == ["sharp.png", "other.png"]
    references = upscaler.encode_references([files / "sharp.png", files / "other.png"])
    expected = upscaler.upscale(files / "small.png", references)
    assert (done.result.array == expected.array).all()


def test_progress_goes_through_the_steps_in_order(run) -> None:
    ticket = Recorded()
    run("small.png", "sharp.png", ticket=ticket)
    stages = list(dict.fromkeys(stage for stage, _, _ in ticket.reported))
    assert stages == ["read", "open", "align", "match", "render", "keep"]  # one reference: encoded is encoded
    assert all(0 <= done <= total for _, done, total in ticket.reported)
    assert [done / total for stage, done, total in ticket.reported if stage == "render"] == [0, 1]


def test_without_references(run) -> None:
    done = run("small.png")
    assert done.result.references == ()
    assert done.result.provenance is None


@pytest.mark.parametrize("stage", ["read", "open", "match", "render", "keep"])
def test_cancelling_goes_through_the_engine_and_leaves_it_fit(run, stage: str) -> None:
    with pytest.raises(Cancelled):
        run("small.png", "sharp.png", ticket=Recorded(withdrawn_at=stage))
    assert run("small.png", "sharp.png").result.fallbacks == ()


def test_a_bad_file_is_named(run) -> None:
    with pytest.raises(PictureError, match=r"^bad\.png: is not a whole PNG"):
        run("bad.png")
    with pytest.raises(PictureError, match=r"^bad\.png: "):
        run("small.png", "sharp.png", "bad.png")


def test_too_much_work_is_refused_before_the_next_reference_is_read(run) -> None:
    with pytest.raises(InputError, match="Too much to compare"):
        run("small.png", "sharp.png", "bad.png", limits=OrderLimits(max_work=1000))


def test_references_are_reduced_for_who_runs_the_server_and_a_note_says_so(run) -> None:
    done = run("small.png", "sharp.png", limits=OrderLimits.of_machine(max_reference_pixels=1000))
    (used,) = done.references
    assert used.width * used.height <= 1000
    assert done.notes[0].startswith(f"sharp.png: reduced from 64 x 48 to {used.width} x {used.height} pixels")
    assert done.result.provenance.x.max() <= used.width


def test_predicted_times_follow_the_work(run) -> None:
    ticket = Recorded()
    run("small.png", "sharp.png", ticket=ticket)
    assert ticket.schedule is not None
    assert ticket.schedule.done == pytest.approx(1.0)
    assert ticket.schedule.left == pytest.approx(0.0, abs=0.1)


def test_size_and_strength(run) -> None:
    done = run("small.png", "sharp.png", scale=2.0, strength=0.0)
    assert (done.result.picture.width, done.result.picture.height, done.scale) == (40, 28, 2.0)
    assert not done.result.provenance.used.any()
    assert (done.result.array == run("small.png", scale=2.0).result.array).all()


@pytest.mark.parametrize(
    "wrong", [{"scale": 0.5}, {"scale": float("nan")}, {"strength": 2.0}, {"quality": 0}, {"format": "EXE"}]
)
def test_options_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Order(("small.png",), (), "tiny", **wrong)


def test_several_pictures_in_a_row_share_their_encoded_references(
    files: Path, upscaler: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, encoded, encode = ("small.png", "bad.png", "other.png"), [], upscaler.encode_references

    def counted(references, **options):
        encoded.append(references)
        return encode(references, **options)

    monkeypatch.setattr(upscaler, "encode_references", counted)
    order = Order(tuple(str(files / name) for name in names), (str(files / "sharp.png"),), "tiny")
    ticket, limits = Recorded(), OrderLimits(max_pictures=3)
    first, second, third = Fulfilment(order, limits, lambda name: upscaler, ticket).results()
    assert isinstance(first, Done)
    assert isinstance(third, Done)
    assert (first.picture.source, third.picture.source) == ("small.png", "other.png")
    assert isinstance(second, Failed)
    assert (second.name, str(second.error)[:8]) == ("bad.png", "bad.png:")
    assert len(encoded) == 1
    assert ticket.place == (2, 3)


def test_references_are_found_in_the_library_if_that_is_wanted(tmp_path: Path, upscaler: Upscaler) -> None:
    write_album(tmp_path / "album")
    save(seen(scene(1), low_res_to_scene(), LOW, 8), tmp_path / "small.png")
    library = Library(tmp_path / "library.sqlite")
    library.add([tmp_path / "album"])
    made = {}
    for find in (False, True):
        ticket = Recorded()
        order = Order((str(tmp_path / "small.png"),), (str(tmp_path / "album" / "near.png"),), "tiny", find=find)
        (made[find],) = Fulfilment(order, OrderLimits.of_machine(), lambda name: upscaler, ticket, library).results()
        assert isinstance(made[find], Done)
        assert ("find" in [stage for stage, _, _ in ticket.reported]) == find
    assert [each.source for each in made[False].references] == ["near.png"]
    assert [each.source for each in made[True].references] == ["near.png", "turned.png"]  # the first one once
    assert made[False].notes == ()
    about = "\n".join(made[True].notes)
    assert f"from your library: {tmp_path / 'album' / 'turned.png'}: same scene" in about
    assert "enlarged.png shows the picture itself" in about
