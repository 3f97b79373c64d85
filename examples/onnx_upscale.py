"""Upscales with ONNX Runtime, without torch or srntt: pip install onnxruntime numpy pillow.

python examples/onnx_upscale.py MODEL.onnx LOW_RES OUTPUT [REFERENCE...]

Export the model with: srntt export onnx -o MODEL.onnx
"""

import sys

import numpy as np
import onnxruntime
from PIL import Image


def read(path: str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"), np.float32).transpose(2, 0, 1)[None] / 255


model, low_res, output, *references = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
(picture,) = session.run(["picture"], {"low_res": read(low_res), "references": [read(path) for path in references]})
Image.fromarray((picture[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)).save(output)
