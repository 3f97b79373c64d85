"""Models as files for other runtimes."""

from srntt.export._onnx_file import OnnxFile, export_onnx

__all__ = ["OnnxFile", "export_onnx"]
