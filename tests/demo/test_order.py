"""One order through the real engine: what comes of it, what is refused, and what cancelling leaves."""

from pathlib import Path

import pytest

from srntt.demo import OrderLimits
from srntt.demo._line import Ticket
from srntt.demo._order import Done, Order, fulfil
from srntt.errors import Cancelled, InputError, PictureError
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
    def run(picture: str, *references: str, ticket: Ticket | None = None, limits: OrderLimits = OrderLimits()) -> Done:  # noqa: B008
        order = Order(str(files / picture), tuple(str(files / name) for name in references), "tiny")
        return fulfil(order, limits, lambda name: upscaler, ticket or Recorded())

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
