"""Ready-made pairs: a folder with input/ and ref/, files of one name belonging together, as CUFED's training set; and
perhaps with teacher/, what another upscaler made of the LR pictures, and aligned/, the references in the frame of the
inputs.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from srntt._shapes import Bool, Float, UInt8
from srntt.data import Pairs, pictures_in
from srntt.errors import InputError
from srntt.image import enlarge, load, round_to_8bit
from srntt.train.pairs._draws import Draws, generator
from srntt.train.pairs._pair_range import PairRange
from srntt.train.pairs._pairs import PhotographPairs, reduced
from srntt.train.pairs._vary_references import vary_references

_LAYOUT = "input/NAME.png, the HR picture, and ref/NAME.png, its reference, or teacher/NAME.png, or both"
_TAUGHT = "teacher/NAME.png has what another upscaler made of the reduced input/NAME.png, of the same size"
_ALIGNED = "aligned/NAME.png has ref/NAME.png in the frame of input/NAME.png, of the same size"
_LACKING = 4  # pixels of a side, at most
_Held = dict[str, UInt8[Tensor, "_ _ _"]]
"""Pictures by name."""


class PairFolder:
    """Pairs of a folder, held as uint8 on the training device. Nothing is known of what corresponds to what.

    Args:
        folder: with input/ and ref/; CUFED's training set has 160 x 160 pixels in both. ``teacher/``, if it is there,
            is learnt from as far as ``limits.distilled`` says, and is the base of a share ``limits.based`` of samples;
            a picture with a teacher needs no reference. ``aligned/``, if it is there, has references in the frame of
            their inputs, transparent where they do not show the same.
        limits: sides of target and reference, which larger pictures are cropped to at the same relative place, and
            pictures that lack up to 4 pixels are filled up to by repeating their edge, for some of CUFED's lack one;
            how references vary; what LR pictures go through.
        device: where they are held.
        scale: HR pixels for each LR pixel along a side.

    Raises:
        InputError: no such layout, a file without its counterpart, pictures that are too small.
    """

    def __init__(self, folder: Path, limits: PairRange, device: torch.device, scale: int = 4) -> None:
        self._limits, self._scale, self.device = limits, scale, device
        inputs = _files(folder, "input", _LAYOUT)
        references, teachers, aligned = (
            _files(folder, part, _LAYOUT) if (folder / part).is_dir() else {} for part in ("ref", "teacher", "aligned")
        )
        _refuse_alone(folder, set(inputs) ^ (set(references) | set(teachers)), _LAYOUT)
        _refuse_alone(folder, set(aligned) - set(references), _ALIGNED)
        if not inputs:
            raise InputError(f"{folder} holds no pairs. The layout is {_LAYOUT}.")
        if aligned and limits.reference < limits.target:
            raise InputError(
                f"{folder}: aligned/ needs references as large as targets; set pairs.reference={limits.target}."
            )
        self._targets = self._held(inputs, "target")
        self._references = self._held(references, "reference")
        self._teachers = _same_sizes(teachers, self._held(teachers, "target"), self._targets, _TAUGHT)
        self._aligned = _same_sizes(aligned, self._held(aligned, "target", 4), self._targets, _ALIGNED)

    @property
    def has_references(self) -> bool:
        """False if there are only pictures with a teacher."""
        return bool(self._references)

    @property
    def whole(self) -> bool:
        """True if no picture is cropped, so that a pair is the same each time it is drawn."""
        sizes = ((self._targets, self._limits.target), (self._references, self._limits.reference))
        return all(tuple(one.shape[1:]) == (side, side) for held, side in sizes for one in held.values())

    def draw(self, seed: int, step: int, samples: range, with_references: bool = True) -> Pairs:
        """Some samples of a step's batch: of pictures with a reference; in steps without, of those with a teacher, if
        there are any.
        """
        known = self._references if with_references else self._teachers or self._targets
        listed = sorted(known)
        draws = Draws([generator(seed, step, sample) for sample in samples])
        numbers = (draws.uniform()[:, 0] * len(listed)).long().clamp(max=len(listed) - 1).tolist()
        names = [listed[number] for number in numbers]
        places, based = draws.uniform(size=2), draws.chance(self._limits.based)
        high_res = _cut(self._targets, names, self._limits.target, places)
        streams = [generator(seed, step, sample, "degradation") for sample in samples]
        low_res = reduced(high_res, self._limits, streams, self._scale)
        nothing = high_res.new_zeros(len(samples), 0, *low_res.shape[2:], 2)
        none = high_res.new_zeros(len(samples), 0, 3, self._limits.reference, self._limits.reference)
        pairs = Pairs(high_res, low_res, none, nothing, nothing[..., 0] > 0, tuple(names) if self.whole else ())
        if set(names) <= set(self._references):
            variations = [(seed, step, sample, 0, "variation") for sample in samples]
            references = self._varied(_cut(self._references, names, self._limits.reference, places), variations)
            pairs = _shown(pairs, references[:, None])
            if self._aligned:
                pairs = self._with_views(pairs, self._views(names, places), variations)
        return self._with_teacher(pairs, names, places, based) if set(names) <= set(self._teachers) else pairs

    def _views(self, names: list[str], places: Float[Tensor, "b 2"]) -> Float[Tensor, "b 4 s s"]:
        """References in the frames of their targets, where there are such; others are transparent."""
        side = self._limits.target
        empty = torch.zeros(4, side, side, dtype=torch.uint8, device=self.device)
        each = zip(names, places, strict=True)
        return torch.stack([_crop(self._aligned.get(name, empty), side, place).float() / 255 for name, place in each])

    def _with_views(
        self, pairs: Pairs, views: Float[Tensor, "b 4 s s"], variations: list[tuple[int | str, ...]]
    ) -> Pairs:
        valid = -F.max_pool2d(-views[:, 3:], self._scale) == 1
        more = self._limits.reference - self._limits.target
        margin = more // (2 * self._scale) * self._scale
        framed = F.pad(self._varied(views[:, :3], variations), (margin, more - margin) * 2, mode="replicate")
        shown = _shown(pairs, torch.cat([pairs.references, framed[:, None]], 1))
        return shown._replace(placed=1, valid=valid)

    def _varied(
        self, references: Float[Tensor, "b 3 H W"], variations: list[tuple[int | str, ...]]
    ) -> Float[Tensor, "b 3 H W"]:
        """As the recipe wants references, unless pairs are to come again just so."""
        if self.whole:
            return references
        streams = [generator(*place) for place in variations]
        return round_to_8bit(vary_references(references, self._limits.variation, streams, self._scale))

    def _with_teacher(
        self, pairs: Pairs, names: list[str], places: Float[Tensor, "b 2"], based: Bool[Tensor, " b"]
    ) -> Pairs:
        teacher = _cut(self._teachers, names, self._limits.target, places)
        goal = pairs.high_res.lerp(teacher, self._limits.distilled)
        if not self._limits.based:
            return pairs._replace(goal=goal)
        chosen = based.to(self.device)[:, None, None, None]
        return pairs._replace(goal=goal, base=torch.where(chosen, teacher, enlarge(pairs.low_res, self._scale)))

    def _held(self, files: dict[str, Path], setting: str, channels: int = 3) -> _Held:
        side = getattr(self._limits, setting)
        return {
            name: _read(file, side, f"pairs.{setting}", self.device, self._scale, channels)
            for name, file in files.items()
        }


@dataclass(frozen=True)
class MixedPairs:
    """A share of the steps with ready-made pairs, the others with pairs made from photographs."""

    made: PhotographPairs
    ready: PairFolder
    share: float

    def draw(self, seed: int, step: int, samples: range, with_references: bool = True) -> Pairs:
        """Some samples of a step's batch; all samples of a step are from one source."""
        drawn = float(torch.rand((), generator=generator(seed, step, "source")))
        ready = drawn < self.share and (self.ready.has_references or not with_references)
        return (self.ready if ready else self.made).draw(seed, step, samples, with_references)


def _files(folder: Path, part: str, layout: str) -> dict[str, Path]:
    return {file.stem: file for file in pictures_in(folder / part, f"The layout is {layout}.").values()}


def _shown(pairs: Pairs, references: Float[Tensor, "b r 3 R R"]) -> Pairs:
    """Pairs with other references, of which it is not known what they show."""
    nothing = pairs.truth.new_zeros(*references.shape[:2], *pairs.truth.shape[2:])
    return pairs._replace(references=references, truth=nothing, visible=nothing[..., 0] > 0)


def _refuse_alone(folder: Path, alone: set[str], layout: str) -> None:
    if alone:
        raise InputError(f"{folder}: {min(alone)} has no counterpart. The layout is {layout}.")


def _same_sizes(files: dict[str, Path], pictures: _Held, targets: _Held, layout: str) -> _Held:
    for name, picture in pictures.items():
        if picture.shape[1:] != targets[name].shape[1:]:
            sizes = (f"{p.shape[2]} x {p.shape[1]}" for p in (picture, targets[name]))
            raise InputError("{} has {} pixels, the target {}. {}.".format(files[name], *sizes, layout))
    return pictures


def _read(
    file: Path, side: int, setting: str, device: torch.device, scale: int, channels: int
) -> UInt8[Tensor, "c _ _"]:
    loaded = load(file).to_8bit()
    picture = loaded.rgb()
    if channels == 4:
        picture = torch.cat([picture, loaded.alpha_plane()])
    height, width = picture.shape[1:]
    if min(height, width) < side - _LACKING:
        raise InputError(
            f"{file} has {width} x {height} pixels; the recipe wants {side} x {side} of {setting}. Set it: "
            f"--set {setting}={min(height, width) // scale * scale}."
        )
    filled = F.pad(picture[None], (0, max(0, side - width), 0, max(0, side - height)), mode="replicate")[0]
    return (filled * 255).round().byte().to(device)


def _crop(picture: UInt8[Tensor, "c _ _"], side: int, place: Float[Tensor, "2"]) -> UInt8[Tensor, "c s s"]:
    y, x = (int((extent - side + 1) * float(share)) for extent, share in zip(picture.shape[1:], place, strict=True))
    return picture[:, y : y + side, x : x + side]


def _cut(held: _Held, names: list[str], side: int, places: Float[Tensor, "b 2"]) -> Float[Tensor, "b 3 s s"]:
    each = [_crop(held[name], side, place) for name, place in zip(names, places, strict=True)]
    return torch.stack(each).float() / 255
