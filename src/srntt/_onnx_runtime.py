"""ONNX Runtime, without its telemetry."""

import os
from types import ModuleType


def import_onnx_runtime() -> ModuleType:
    """Import ONNX Runtime. From 1.32 on it writes an identifier of the machine into the user's cache as it is imported,
    for reports to its makers; ``ORT_DISABLE_TELEMETRY=0`` in the environment leaves that on.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime
