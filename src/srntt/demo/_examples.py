"""Example pictures for the page."""

from pathlib import Path

_BESIDE = Path(__file__).parent / "examples" / "motorcycle"  # in a wheel
_CHECKOUT = Path(__file__).parents[3] / "examples" / "motorcycle"


def example_folder() -> Path | None:
    """Return the folder of low-res.png and reference.png; None for an installation without examples."""
    return next((folder for folder in (_BESIDE, _CHECKOUT) if (folder / "reference.png").is_file()), None)
