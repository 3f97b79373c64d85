"""Upscales the example photograph and prints the gain from the reference.

    make demo
    python examples/demo.py [MODEL]     a name, a model folder or a .safetensors file; default: lite-rec

PSNR is computed on the luma of the 8-bit output against the original photograph, with a 4-pixel crop.
"""

import sys
from pathlib import Path

from PIL import Image

from srntt import References, Result, Upscaler, load
from srntt.errors import SrnttError
from srntt.image import Picture
from srntt.metrics import psnr_y, round_to_bytes

PICTURES = Path(__file__).parent / "motorcycle"
OUTPUT = Path("out") / "motorcycle.png"
CROP = 4


def luma_psnr(picture: Picture) -> float:
    """PSNR of the luma against the ground truth, in dB."""
    truth = load(PICTURES / "truth.png").rgb().numpy()
    return psnr_y(round_to_bytes(picture.rgb().numpy()), truth, crop=CROP)


def enlarge_bicubic(scale: int) -> Picture:
    """Bicubic enlargement, as in any image editor."""
    low_res = Image.open(PICTURES / "low-res.png")
    return load(low_res.resize((low_res.width * scale, low_res.height * scale), Image.Resampling.BICUBIC))


def upscale(upscaler: Upscaler, references: References | None) -> Result:
    return upscaler.upscale(PICTURES / "low-res.png", references)


def main(model: str = "lite-rec") -> None:
    upscaler = Upscaler.from_pretrained(model)
    references = upscaler.encode_references([PICTURES / "reference.png"])
    without, with_reference = upscale(upscaler, None), upscale(upscaler, references)
    OUTPUT.parent.mkdir(exist_ok=True)
    with_reference.save(OUTPUT, overwrite=True)

    bicubic = luma_psnr(enlarge_bicubic(upscaler.scale))
    print(f"{upscaler.model_name} on {upscaler.device}, {with_reference.seconds:.1f} s with the reference")
    print(f"\n{'':<16}PSNR-Y, dB    over bicubic")
    print(f"{'bicubic':<16}{bicubic:10.2f}")
    for name, result in (("no reference", without), ("with reference", with_reference)):
        gained = luma_psnr(result.picture)
        print(f"{name:<16}{gained:10.2f}{gained - bicubic:+16.2f}")
    print(f"\nbefore     {PICTURES / 'low-res.png'}")
    print(f"reference  {PICTURES / 'reference.png'}")
    print(f"after      {OUTPUT.resolve()}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except SrnttError as error:
        sys.exit(f"srntt: {error}")
