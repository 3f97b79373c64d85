"""``python -m srntt.train`` on a machine that has PyTorch, NumPy, Numba, Pillow and safetensors, and no more."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

_WITHOUT = ("psutil", "filelock", "platformdirs", "cv2", "cyclopts", "rich", "scipy", "huggingface_hub")
_CODE = f"""
import importlib.abc, runpy, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.split(".")[0] in {_WITHOUT}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
runpy.run_module("srntt.train", run_name="__main__")
"""


def test_it_trains_without_the_packages_of_upscaling(tmp_path: Path):
    (tmp_path / "photographs").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (320, 320, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photographs" / "a.png")
    command = [sys.executable, "-c", _CODE, "cpu-smoke", "--photographs", str(tmp_path / "photographs")]
    settings = ("schedule.steps=2", "schedule.minutes=0", "schedule.batch=1", "pairs.target=64", "pairs.reference=64")
    options = [word for setting in settings for word in ("--set", setting)]
    ran = subprocess.run([*command, "-o", str(tmp_path / "out"), *options], capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out" / "model.safetensors").is_file()
    assert "filelock is not installed" in ran.stdout + ran.stderr
