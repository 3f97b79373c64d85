"""Temporal stability, PSNR and CPU time of films, frame by frame and as `srntt video` makes them.

    python benchmarks/video.py [--photo FILE ...] [--clip FILE] [--frames 12] [--picture docs/pictures/video.webp]

Pans are windows of 800 x 560 pixels that move over a photograph by (5, 3) pixels a frame, reduced by bicubic; the LR
frames have noise of 1.5 levels. Their still is the photograph turned by 3 degrees and brightened. Without --photo, the
photographs are the two views of examples/motorcycle: a smaller window moves over one, and the other is the still. A
clip is reduced by bicubic likewise; its first frame is the still.

Temporal RMS is the root mean square difference of luma between successive frames after compensation of motion: the
known one of pans, and DIS flow between the true frames of a clip, where it returns to its start within 0.5 pixels. The
column "truth" has that of the true frames themselves. CPU seconds are those of the process, for one frame.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from srntt import Upscaler
from srntt.image import Limits, Picture, reduce
from srntt.metrics import psnr_y
from srntt.upscale import References, Track
from srntt.video import open_clip
from srntt.video._clip import Frame
from srntt.video._references import SHARPEST
from srntt.video._steady import Steady
from srntt.video._survey import survey_of

_EXAMPLE = Path(__file__).parent.parent / "examples" / "motorcycle"
_STEP = (3, 5)  # pixels of the output (y, x) for a frame
_NOISE = 1.5  # levels of 255
_SCALE, _CROP, _RETURN = 4, 8, 0.5
Pixels = np.ndarray


@dataclass(frozen=True)
class Film:
    """True frames, LR frames, a still, and the motion from each true frame but the first to the one before."""

    name: str
    truth: list[Pixels]
    small: list[Pixels]
    still: Pixels
    motions: list[tuple[Pixels, Pixels]]  # flow, and where it holds


def main() -> int:
    """Measure each film and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photo", type=Path, nargs="*", default=[])
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--model", default="lite-rec")
    parser.add_argument("--picture", type=Path, help="where a picture of the first film is written")
    parser.add_argument("--clip-picture", type=Path, help="where a picture of the last film is written")
    given = parser.parse_args()
    upscaler = Upscaler.from_pretrained(given.model, device="cpu")
    fast = Upscaler.from_pretrained(given.model, device="cpu", precision="auto")
    print("| film | method | PSNR | temporal RMS | truth | CPU s a frame |\n|---|---|---|---|---|---|")
    films = list(_films(given))
    for number, film in enumerate(films):
        made = {}
        references = upscaler.encode_references([film.still])
        own = _sharpest(film.small)
        for name, method in _methods(upscaler, fast, references, upscaler.encode_references(own)).items():
            began = time.process_time()
            made[name] = [method(small) for small in film.small]
            seconds = (time.process_time() - began) / len(film.small)
            psnr = np.mean([_psnr(*each) for each in zip(made[name], film.truth, strict=True)])
            figures = f"{psnr:.2f} | {_temporal(made[name], film):.2f} | {_temporal(film.truth, film):.2f}"
            print(f"| {film.name} | {name} | {figures} | {seconds:.2f} |", flush=True)
        if given.picture and not number:
            _draw(given.picture, film, made)
        if given.clip_picture and number == len(films) - 1:
            _draw_flicker(given.clip_picture, film, made)
    return 0


def _methods(
    upscaler: Upscaler, fast: Upscaler, references: References, own: References
) -> dict[str, Callable[[Pixels], Pixels]]:
    steady, track, alone, by_itself, path = Steady(_SCALE), Track(), Steady(_SCALE), Steady(_SCALE), Track()

    def as_film(small: Pixels) -> Pixels:
        return steady.next(fast.upscale(small, references, track=track).picture).color

    return {
        "bicubic": lambda small: cv2.resize(small, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_CUBIC),
        "frame by frame": lambda small: upscaler.upscale(small, references).array,
        "film": as_film,
        "film, no reference": lambda small: alone.next(fast.upscale(small).picture).color,
        "film, its own frames": lambda small: by_itself.next(fast.upscale(small, own, track=path).picture).color,
    }


def _sharpest(frames: list[Pixels]) -> list[Pixels]:
    pictures = (Picture(np.ascontiguousarray(pixels)) for pixels in frames)
    survey = survey_of((Frame(number, picture, number) for number, picture in enumerate(pictures)), lambda _: None)
    return [frames[number] for shot in survey.shots for number in survey.sharpest(shot, SHARPEST)]


def _films(given: argparse.Namespace) -> Iterator[Film]:
    for path in given.photo:
        photo = np.asarray(Image.open(path).convert("RGB"))
        times = max(0.5, 1.05 * max((560 + 3 * given.frames) / len(photo), (800 + 5 * given.frames) / photo.shape[1]))
        if times < 1:
            photo = cv2.resize(photo, None, fx=times, fy=times, interpolation=cv2.INTER_AREA)
        yield _pan(path.stem, photo, _turned(photo), (560, 800), given.frames)
    if not given.photo:
        truth, other = (np.asarray(Image.open(_EXAMPLE / name)) for name in ("truth.png", "reference.png"))
        yield _pan("motorcycle", truth, other, (400, 560), given.frames)
    if given.clip:
        yield _clip(given.clip, given.frames)


def _pan(name: str, photo: Pixels, still: Pixels, size: tuple[int, int], count: int) -> Film:
    (down, right), rng = _STEP, np.random.default_rng(0)
    top, left = ((photo.shape[axis] - size[axis] - _STEP[axis] * count) // 2 for axis in (0, 1))
    if min(top, left) < 0:
        sys.exit(f"{name}: {photo.shape[1]} x {photo.shape[0]} pixels are too few for this pan.")
    corners = [(top + down * number, left + right * number) for number in range(count)]
    truth = [np.ascontiguousarray(photo[y : y + size[0], x : x + size[1]]) for y, x in corners]
    flow = np.broadcast_to(np.array([right, down], np.float32), (*size, 2))
    small = [_reduced(each, rng) for each in truth]
    return Film(f"pan, {name}", truth, small, still, [(flow, _inside(flow))] * (count - 1))


def _clip(path: Path, count: int) -> Film:
    frames = [frame.picture.color for frame in islice(open_clip(path, Limits()).frames(), count)]
    height, width = (extent // _SCALE * _SCALE for extent in frames[0].shape[:2])
    truth = [np.ascontiguousarray(frame[:height, :width]) for frame in frames]
    motions = []
    for one, other in pairwise(truth):
        there, back = _flow(other, one), _flow(one, other)
        returned = there + _at(back, there)
        motions.append((there, _inside(there) & (np.hypot(*np.moveaxis(returned, 2, 0)) < _RETURN)))
    return Film(f"clip, {path.stem}", truth, [_reduced(each, None) for each in truth], truth[0], motions)


def _turned(photo: Pixels) -> Pixels:
    height, width = photo.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 3, 0.95)
    seen = cv2.warpAffine(photo, turn, (width, height), flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT)
    return np.clip(seen * 1.05, 0, 255).astype(np.uint8)


def _reduced(pixels: Pixels, rng: np.random.Generator | None) -> Pixels:
    unit = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None].contiguous()
    small = reduce(unit, _SCALE)[0].permute(1, 2, 0).numpy() * 255
    noise = 0.0 if rng is None else rng.normal(0, _NOISE, small.shape)
    return np.clip(np.rint(small + noise), 0, 255).astype(np.uint8)


def _flow(one: Pixels, other: Pixels) -> Pixels:
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    return search.calc(*(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (one, other)), None)


def _inside(flow: Pixels) -> Pixels:
    height, width = flow.shape[:2]
    y, x = np.mgrid[:height, :width]
    x, y = x + flow[..., 0], y + flow[..., 1]
    inner = (x >= _CROP) & (y >= _CROP) & (x < width - _CROP) & (y < height - _CROP)
    inner[:_CROP] = inner[-_CROP:] = inner[:, :_CROP] = inner[:, -_CROP:] = False
    return inner


def _at(values: Pixels, flow: Pixels) -> Pixels:
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(values, x + flow[..., 0], y + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _luma(pixels: Pixels) -> Pixels:
    return pixels.astype(np.float32) @ np.array((0.299, 0.587, 0.114), np.float32)


def _temporal(frames: list[Pixels], film: Film) -> float:
    squares = []
    for (before, after), (flow, holds) in zip(pairwise(map(_luma, frames)), film.motions, strict=True):
        squares.append(((after - _at(before, flow)) ** 2)[holds].mean())
    return float(np.sqrt(np.mean(squares)))


def _psnr(one: Pixels, other: Pixels) -> float:
    first, second = (Picture(np.ascontiguousarray(each)).rgb().numpy() for each in (one, other))
    return psnr_y(first, second, crop=4)


def _draw(path: Path, film: Film, made: dict[str, list[Pixels]]) -> None:
    """A detail of the last frame, and below it one row over time, moved back: what is steady gives straight lines."""
    columns = []
    height, width = film.truth[0].shape[:2]
    y, x, side = height // 2, width // 2, 120
    for frames in (made["bicubic"], made["frame by frame"], made["film"], film.truth):
        detail = frames[-1][y : y + side, x : x + side]
        down, right = _STEP
        rows = []
        for age, frame in enumerate(reversed(frames)):
            rows.append(frame[y + side // 2 + down * age, x + right * age : x + right * age + side])
        over_time = np.repeat(np.stack(rows), 3, 0)
        columns.append(np.concatenate([detail, np.full((4, side, 3), 255, np.uint8), over_time]))
    _save(path, columns)


def _draw_flicker(path: Path, film: Film, made: dict[str, list[Pixels]]) -> None:
    """A detail of the last frame, and below it eight times its difference from the one before, with motion undone."""
    columns, (flow, holds) = [], film.motions[-1]
    height, width = (extent // 2 for extent in film.truth[0].shape[:2])
    y, x, side = height - height // 2, width - height // 2, height
    for frames in (made["bicubic"], made["frame by frame"], made["film"], film.truth):
        before, after = map(_luma, frames[-2:])
        change = np.where(holds, np.clip(8 * np.abs(after - _at(before, flow)), 0, 255), 0).astype(np.uint8)
        seen = [frames[-1], np.repeat(change[..., None], 3, 2)]
        detail, changed = (np.ascontiguousarray(each[y : y + side, x : x + side]) for each in seen)
        columns.append(np.concatenate([detail, np.full((4, side, 3), 255, np.uint8), changed]))
    _save(path, columns)


def _save(path: Path, columns: list[Pixels]) -> None:
    gap = np.full((len(columns[0]), 4, 3), 255, np.uint8)
    row = np.concatenate([part for column in columns for part in (column, gap)][:-1], 1)
    Image.fromarray(row).resize((row.shape[1] * 2, row.shape[0] * 2), Image.Resampling.NEAREST).save(path, quality=85)


if __name__ == "__main__":
    sys.exit(main())
