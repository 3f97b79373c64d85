"""One job to one finished file. Knows nothing of plans, manifests or other workers, so it runs in any process."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import srntt
from srntt._files import exists_error
from srntt.batch._beside import BESIDE, Beside, write_beside
from srntt.batch._encoded import EncodedReferences
from srntt.batch._job import Job
from srntt.batch._manifest import Made, MadeFile
from srntt.batch._outputs import Outputs, Written
from srntt.batch._place import join
from srntt.batch._pool import ReferenceFile
from srntt.batch._read import decode, read
from srntt.errors import MemoryBudgetError, OutputError, PictureError, SrnttError
from srntt.image import Limits, Picture, save
from srntt.memory import limits_within
from srntt.models import Progress
from srntt.upscale import References, Result, Upscaler

CACHE_BYTES = 2 * 10**9  #: of encoded references that are kept, unless said otherwise

Share = Callable[[ReferenceFile, tuple[str, ...], Callable[[], References]], References]
"""Gives the encoded references of a file in these kinds of views from whoever has them; else calls what makes them."""


@dataclass(frozen=True)
class Finished:
    """A job that is done.

    Attributes:
        made: what is known of the output.
        files: paths or URLs where ``made.files`` lie, whole, without their names yet.
        pixels: of the output.
    """

    made: Made
    files: tuple[str, ...]
    pixels: int


@dataclass
class Worker:
    """Does jobs, one at a time.

    Attributes:
        upscaler: with the model of the jobs.
        outputs: where they are written.
        limits: on what is read.
        memory: bytes that the process may hold, as the upscaler was told, or None.
        cache_bytes: of encoded references to keep.
        share: what other workers have encoded, and are told of what this one did; None alone.
    """

    upscaler: Upscaler
    outputs: Outputs
    limits: Limits = field(default_factory=Limits)
    memory: int | None = None
    cache_bytes: int = CACHE_BYTES
    share: Share | None = None

    def __post_init__(self) -> None:
        self.references = EncodedReferences(self._shared, self.cache_bytes)
        self._encoded = 0
        self.fetched = 0  #: references that another worker had encoded

    @property
    def fingerprint(self) -> str:
        """Of the weights: what jobs must have as their ``model``."""
        return self.upscaler.encode_references([]).fingerprint

    def __call__(self, job: Job, occupied: frozenset[str] = frozenset(), progress: Progress | None = None) -> Finished:
        """Do a job.

        Args:
            job: what to do.
            occupied: names that its files must not have.
            progress: told what ``Upscaler.upscale`` tells.

        Raises:
            PictureError: the picture or a reference is not whole, or not what was hashed any more.
            OutputError: an output that exists already, cannot hold the picture, or cannot be written.
            MemoryBudgetError: does not fit.
        """
        picture = self._read(job.path, job.sha256)
        output = self._choose_output(job, picture, occupied)
        result, fallbacks = self._upscale(job, picture, progress)
        upscaled = result.picture.to_8bit() if job.settings.bits == 8 else result.picture
        write = partial(save, upscaled, strip=job.settings.strip, quality=job.settings.quality)
        written = self.outputs.write(os.path.splitext(output)[1], write)
        about = _about(job, result, self.upscaler, fallbacks) | {"notes": [*upscaled.notes, *written.notes]}
        beside = {output + BESIDE[kind]: self._write_beside(kind, job, result) for kind in job.also}
        files = tuple(MadeFile(name, file.bytes, file.sha256) for name, file in beside.items())
        made = Made(job.key, job.name, output, written.bytes, written.sha256, about, files)
        unnamed = (*(file.file for file in beside.values()), written.file)
        return Finished(made, unnamed, upscaled.width * upscaled.height)

    def _write_beside(self, kind: Beside, job: Job, result: Result) -> Written:
        names = [file.name for file in job.references]
        return self.outputs.write(BESIDE[kind], partial(write_beside, kind, result, names))

    def _read(self, path: str, sha256: str) -> Picture:
        limits = limits_within(self.limits, self.memory)
        content = read(path, limits)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise PictureError(f"{path}: changed while the batch was running. Run it again with --resume.")
        return decode(content, path, limits)

    def _choose_output(self, job: Job, picture: Picture, occupied: frozenset[str]) -> str:
        """The first name whose format can hold the output, known before the work.

        Raises:
            OutputError: none can, or a file is there.
        """
        output = self._first_that_holds(job, picture)
        for name in job.files(output):
            if name in occupied:
                raise exists_error(join(self.outputs.root, name))
        return output

    def _first_that_holds(self, job: Job, picture: Picture) -> str:
        width, height = picture.width * self.upscaler.scale, picture.height * self.upscaler.scale
        bits, alpha = job.settings.bits or picture.bits, not picture.opaque
        for output in job.outputs:
            try:
                self.outputs.check(output, width=width, height=height, alpha=alpha, bits=bits)
                return output
            except OutputError:
                if output == job.outputs[-1]:
                    raise
        raise OutputError(f"{job.name}: has no name for its output.")

    def _upscale(self, job: Job, picture: Picture, progress: Progress | None) -> tuple[Result, tuple[str, ...]]:
        """The result, and what had to be done otherwise; kept references make room for the work."""
        try:
            return self._once(job, picture, progress), ()
        except MemoryBudgetError:
            if not self.references.trim(job.references):
                raise
        return self._once(job, picture, progress), ("memory: references kept for later pictures were given up",)

    def _once(self, job: Job, picture: Picture, progress: Progress | None) -> Result:
        references = self.references.get(job.references, views=job.settings.views)
        settings = job.settings
        return self.upscaler.upscale(
            picture,
            references,
            tile=settings.tile,
            consistent=settings.consistent,
            limits=self.limits,
            progress=progress,
        )

    def _shared(self, file: ReferenceFile, views: tuple[str, ...]) -> References:
        """From another worker, or encoded here."""
        if self.share is None:
            return self._encode(file, views)
        before = self._encoded
        references = self.share(file, views, partial(self._encode, file, views))
        self.fetched += self._encoded == before
        return references

    def _encode(self, file: ReferenceFile, views: tuple[str, ...]) -> References:
        self._encoded += 1
        try:
            picture = self._read(file.path, file.sha256)
            return self.upscaler.encode_references([picture], views=views)
        except SrnttError as error:
            raise type(error)(f"reference {error}") from error


def _about(job: Job, result: Result, upscaler: Upscaler, fallbacks: tuple[str, ...]) -> dict[str, Any]:
    """What a person may want to know of an output a year later."""
    return {
        "width": result.picture.width,
        "height": result.picture.height,
        "references": _shares(job, result),
        "similarity": None if result.similarity is None else round(float(result.similarity.mean()), 4),
        "consistency": result.consistency.as_json(),
        "model": upscaler.model_name,
        "fingerprint": job.model,
        "settings": job.settings.as_json(),
        "device": str(upscaler.device),
        "matcher": result.matcher,
        "srntt": srntt.__version__,
        "seconds": round(result.seconds, 3),
        "fallbacks": [*fallbacks, *result.fallbacks],
    }


def _shares(job: Job, result: Result) -> list[dict[str, Any]]:
    """How much each reference gave, averaged over the picture."""
    told = [{"name": file.name, "sha256": file.sha256} for file in job.references]
    origin = result.provenance
    if origin is None:
        return told
    gave = [float(origin.share[origin.reference == index].sum()) / origin.share.size for index in range(len(told))]
    return [{**file, "share": round(share, 4)} for file, share in zip(told, gave, strict=True)]
