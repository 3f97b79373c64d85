"""Output of the file compared with that of the model, at several sizes and numbers of references.

Needs the package ``onnxruntime``; only ``_file`` asks for this file.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from srntt._onnx_runtime import import_onnx_runtime
from srntt._shapes import Float
from srntt.errors import ModelError
from srntt.image import enlarge, reduce
from srntt.models.lite import Lite

TOLERANCE = 0.1  # levels of 255; a hundred times what rounding makes
EXCEPTIONS = 0.001  # share of values that may be further off: where two matches are equally good, rounding decides
_CASES: tuple[tuple[tuple[int, int], tuple[tuple[int, int], ...]], ...] = (  # sizes of input and references
    ((1, 1), ()),
    ((1, 1), ((8, 8),)),
    ((5, 3), ((11, 14),)),
    ((33, 47), ()),
    ((24, 17), ((40, 62),)),
    ((33, 40), ((64, 64), (130, 61), (37, 90))),
    ((29, 34), ((50, 50), (8, 120), (61, 44), (40, 72), (33, 35), (70, 60), (60, 80))),
    ((72, 96), ((250, 331),)),
)


def check_parity(model: Lite, content: bytes) -> list[dict[str, Any]]:
    """Run the model and its file on pictures made for it; return `OnnxFile.parity`.

    Raises:
        ModelError: they disagree by more than a tenth of a level of 255, but for a thousandth of the values.
    """
    session = import_onnx_runtime().InferenceSession(content, providers=["CPUExecutionProvider"])
    cases = [_compare(model, session, *case) for case in _CASES]
    for case in cases:
        if not case["share_above"] <= EXCEPTIONS:  # so put, a value that is no number counts as too much
            raise ModelError(
                f"The ONNX graph and the model disagree by up to {case['largest']:.3g} levels of 255 at "
                f"{case['low_res']} with references {list(case['references'])}, and by more than {TOLERANCE:g} in "
                f"{case['share_above']:.2%} of the values, where {EXCEPTIONS:.1%} are allowed. Nothing was written. "
                f"ONNX Runtime {import_onnx_runtime().__version__} may be at fault: try another version."
            )
    return cases


@torch.inference_mode()
def _compare(
    model: Lite, session: Any, size: tuple[int, int], reference_sizes: tuple[tuple[int, int], ...]
) -> dict[str, Any]:
    views = _views([(model.scale * size[0], model.scale * size[1]), *reference_sizes])
    low_res, references = reduce(next(views), model.scale), list(views)
    want = model(low_res, references).clamp(0, 1)
    given = {"low_res": low_res.numpy(), "references": [reference.numpy() for reference in references]}
    (got,) = session.run(["picture"], given)
    difference = np.abs(np.asarray(got) - want.numpy()) * 255
    above = float(1 - (difference <= TOLERANCE).mean())
    return {"low_res": size, "references": reference_sizes, "largest": float(difference.max()), "share_above": above}


def _views(sizes: list[tuple[int, int]]) -> Iterator[Float[Tensor, "1 3 _ _"]]:
    """Overlapping parts of one scene with detail of many sizes, each with a little noise of its own, so that matches
    are true ones and no two places are quite the same.
    """
    generator = torch.Generator().manual_seed(0)
    side = -(-max(max(size) for size in sizes) // 16) + 3
    scene = torch.rand(1, 3, side, side, generator=generator)
    for _ in range(4):
        detail = torch.rand(1, 3, scene.shape[2] * 2, scene.shape[3] * 2, generator=generator)
        scene = (0.7 * enlarge(scene, 2) + 0.3 * detail).clamp(0, 1)
    for number, (height, width) in enumerate(sizes):
        part = scene[:, :, 5 * number : 5 * number + height, 7 * number : 7 * number + width]
        noise = torch.rand(part.shape, generator=generator)
        yield (0.98 * part + 0.02 * noise).contiguous()
