"""The light architecture as one ONNX graph."""

from srntt.models.lite.onnx._file import OnnxFile, export_onnx

__all__ = ["export_onnx"]
