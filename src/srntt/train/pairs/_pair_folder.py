"""Ready-made pairs: a folder with input/ and ref/, files of one name belonging together, as CUFED's training set; and
perhaps with teacher/, what another upscaler made of the LR pictures.
"""

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
from srntt.train.pairs._pairs import reduced
from srntt.train.pairs._vary_references import vary_references

_LAYOUT = "input/NAME.png, the HR picture, and ref/NAME.png, its reference"
_TAUGHT = "teacher/NAME.png has what another upscaler made of the reduced input/NAME.png, of the same size"
_LACKING = 4  # pixels of a side, at most


class PairFolder:
    """Pairs of a folder, held as uint8 on the training device. Nothing is known of what corresponds to what.

    Args:
        folder: with input/ and ref/; CUFED's training set has 160 x 160 pixels in both. ``teacher/``, if it is there,
            is learnt from as far as ``limits.distilled`` says, and is the base of a share ``limits.based`` of samples.
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
        listed = [pictures_in(folder / part, f"The layout is {_LAYOUT}.") for part in ("input", "ref")]
        inputs, references = ({file.stem: file for file in files.values()} for files in listed)
        if alone := sorted(set(inputs) ^ set(references)):
            raise InputError(f"{folder}: {alone[0]} has no counterpart. The layout is {_LAYOUT}.")
        if not inputs:
            raise InputError(f"{folder} holds no pairs. The layout is {_LAYOUT}.")
        self.names = sorted(inputs)
        self._targets = [_held(inputs[name], limits.target, "pairs.target", device, scale) for name in self.names]
        self._references = [
            _held(references[name], limits.reference, "pairs.reference", device, scale) for name in self.names
        ]
        self._teachers = self._taught(folder / "teacher") if (folder / "teacher").is_dir() else None

    @property
    def whole(self) -> bool:
        """True if no picture is cropped, so that a pair is the same each time it is drawn."""
        sizes = ((self._targets, self._limits.target), (self._references, self._limits.reference))
        return all(tuple(picture.shape[1:]) == (side, side) for pictures, side in sizes for picture in pictures)

    def draw(self, seed: int, step: int, samples: range) -> Pairs:
        """Some samples of a step's batch."""
        draws = Draws([generator(seed, step, sample) for sample in samples])
        numbers = (draws.uniform()[:, 0] * len(self.names)).long().clamp(max=len(self.names) - 1).tolist()
        places, based = draws.uniform(size=2), draws.chance(self._limits.based)
        high_res = _cut(self._targets, numbers, self._limits.target, places)
        references = _cut(self._references, numbers, self._limits.reference, places)
        if not self.whole:
            streams = [generator(seed, step, sample, 0, "variation") for sample in samples]
            references = round_to_8bit(vary_references(references, self._limits.variation, streams, self._scale))
        streams = [generator(seed, step, sample, "degradation") for sample in samples]
        low_res = reduced(high_res, self._limits, streams, self._scale)
        nothing = high_res.new_zeros(len(samples), 1, *low_res.shape[2:], 2)
        names = tuple(self.names[number] for number in numbers) if self.whole else ()
        pairs = Pairs(high_res, low_res, references[:, None], nothing, nothing[..., 0] > 0, names)
        if self._teachers is None:
            return pairs
        return self._with_teacher(pairs, _cut(self._teachers, numbers, self._limits.target, places), based)

    def _with_teacher(self, pairs: Pairs, teacher: Float[Tensor, "b 3 H W"], based: Bool[Tensor, " b"]) -> Pairs:
        goal = pairs.high_res.lerp(teacher, self._limits.distilled)
        if not self._limits.based:
            return pairs._replace(goal=goal)
        chosen = based.to(self.device)[:, None, None, None]
        return pairs._replace(goal=goal, base=torch.where(chosen, teacher, enlarge(pairs.low_res, self._scale)))

    def _taught(self, folder: Path) -> list[UInt8[Tensor, "3 _ _"]]:
        files = {file.stem: file for file in pictures_in(folder, f"{_TAUGHT}.").values()}
        if alone := sorted(set(files) ^ set(self.names)):
            raise InputError(f"{folder}: {alone[0]} has no counterpart. {_TAUGHT}.")
        pictures = [
            _held(files[name], self._limits.target, "pairs.target", self.device, self._scale) for name in self.names
        ]
        for name, picture, target in zip(self.names, pictures, self._targets, strict=True):
            if picture.shape != target.shape:
                sizes = (f"{p.shape[2]} x {p.shape[1]}" for p in (picture, target))
                raise InputError("{} has {} pixels, the target {}. {}.".format(files[name], *sizes, _TAUGHT))
        return pictures


def _held(file: Path, side: int, setting: str, device: torch.device, scale: int) -> UInt8[Tensor, "3 _ _"]:
    picture = load(file).to_8bit().rgb()
    height, width = picture.shape[1:]
    if min(height, width) < side - _LACKING:
        raise InputError(
            f"{file} has {width} x {height} pixels; the recipe wants {side} x {side} of {setting}. Set it: "
            f"--set {setting}={min(height, width) // scale * scale}."
        )
    filled = F.pad(picture[None], (0, max(0, side - width), 0, max(0, side - height)), mode="replicate")[0]
    return (filled * 255).round().byte().to(device)


def _crop(picture: UInt8[Tensor, "3 _ _"], side: int, place: Float[Tensor, "2"]) -> UInt8[Tensor, "3 s s"]:
    y, x = (int((extent - side + 1) * float(share)) for extent, share in zip(picture.shape[1:], place, strict=True))
    return picture[:, y : y + side, x : x + side]


def _cut(
    held: list[UInt8[Tensor, "3 _ _"]], numbers: list[int], side: int, places: Float[Tensor, "b 2"]
) -> Float[Tensor, "b 3 s s"]:
    each = [_crop(held[number], side, place) for number, place in zip(numbers, places, strict=True)]
    return torch.stack(each).float() / 255
