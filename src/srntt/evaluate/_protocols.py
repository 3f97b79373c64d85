"""Named protocols: everything that must be equal for two scores to be comparable.

A protocol is not changed once scores were published under its name; a new one is added instead. Peculiarities of a
protocol are those of its authors' code, which `source` names.
"""

from dataclasses import dataclass, fields
from difflib import get_close_matches

from srntt.data import LAYOUTS, Layout, ReferenceKind
from srntt.errors import InputError
from srntt.evaluate._parts import (
    Crop,
    CropToMultiple,
    LowRes,
    Pad,
    Padding,
    ReferenceStep,
    Stack,
    Unchanged,
)


@dataclass(frozen=True)
class Protocol:
    """Evaluation protocol.

    Attributes:
        name: Name on the command line and in reports.
        scale: Upscaling factor.
        crop: Pixels excluded at each edge of output and target in metrics.
        description: One line for the user.
        data: Layout of the set.
        refs: Kind of references used in publications.
        target: Cropping of the high-res picture.
        canvas: Padding before downsampling; it is removed from the output.
        low_res: Origin of the low-res picture.
        references: Steps applied to the references, in order.
        metrics: Published metrics, by name in `METRICS`. Outputs are rounded to 8 bits first; luma is not rounded.
        source: Origin of the definition.
    """

    name: str
    scale: int = 4
    crop: int = 0
    description: str = ""
    data: Layout = LAYOUTS["pairs"]
    refs: ReferenceKind = "first"
    target: Crop = CropToMultiple(4)  # noqa: RUF009 (frozen)
    canvas: Padding = Unchanged()  # noqa: RUF009 (frozen)
    low_res: LowRes = LowRes("pillow")  # noqa: RUF009 (frozen)
    references: tuple[ReferenceStep, ...] = ()
    metrics: tuple[str, ...] = ("psnr_y", "ssim_y")
    source: str = "this project"

    def definition(self) -> dict[str, str]:
        """Return every field as text, in the order above."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        parts["references"] = ", then ".join(map(str, self.references)) or "unchanged"
        parts["metrics"] = ", ".join(self.metrics)
        return {name: str(value) for name, value in parts.items()}


def _pairs_at(scale: int) -> Protocol:
    """Return the protocol ``pairs`` for models of another scale, with as many pixels cropped, as is usual."""
    return Protocol(
        name=f"pairs-x{scale}",
        scale=scale,
        crop=scale,
        description=f"as pairs, for models of scale {scale}: cropped to a multiple of it, {scale} pixels at each edge",
        target=CropToMultiple(scale),
    )


_ALL = (
    Protocol(
        name="pairs",
        crop=4,
        description=(
            "targets with references of the same scene (index.json); the target cropped top-left to a multiple of 4, "
            "LR = Pillow bicubic on 8 bits; output rounded to 8 bits; PSNR and SSIM on Y of BT.601, unrounded, "
            "4 pixels cropped"
        ),
    ),
    Protocol(
        name="pairs-degraded",
        crop=4,
        description=(
            "as pairs, but the low-res picture is blurred, noisy and compressed, by amounts drawn from its name"
        ),
        low_res=LowRes("degraded"),
    ),
    *map(_pairs_at, (2, 3, 8, 16)),
    Protocol(
        name="ttsr-first",
        crop=0,
        description="CUFED5 with the most similar reference, as the code of TTSR and WTRN evaluates",
        data=LAYOUTS["cufed5"],
        refs="first",
        references=(CropToMultiple(4),),
        source="github.com/researchmm/TTSR: dataset/cufed.py (TestSet), utils.py (calc_psnr, calc_ssim), trainer.py",
    ),
    Protocol(
        name="ttsr-stitched",
        crop=0,
        description="CUFED5 with five references stitched into one of 500x2500, as the paper of TTSR evaluates",
        data=LAYOUTS["cufed5"],
        refs="all",
        references=(Pad((500, 500), "black"), Stack()),
        source="github.com/researchmm/TTSR issues 3 and 54 (the paper's 27.09 dB); no code for it was published",
    ),
    Protocol(
        name="masa",
        crop=0,
        description="CUFED5 with five references stitched into one of 512x2560; the target is scored uncropped",
        data=LAYOUTS["cufed5"],
        refs="all",
        target=Unchanged(),
        canvas=Pad(32, "edge", centred=True),
        references=(Pad((512, 512), "edge", centred=True), Stack()),
        source="github.com/JIA-Lab-research/MASA-SR: dataloader/dataset.py (TestSet_multi), models/trainer.py (test)",
    ),
    Protocol(
        name="c2",
        crop=4,
        description="CUFED5 with the most similar reference, as C2-Matching, AMSA and DATSR evaluate",
        data=LAYOUTS["cufed5"],
        refs="first",
        canvas=Pad(None),
        references=(CropToMultiple(4), Pad(None)),
        source=(
            "github.com/yumingj/C2-Matching: mmsr/data/ref_cufed_dataset.py, mmsr/models/ref_restoration_model.py, "
            "datasets/CUFED5_pairs.txt; github.com/caojiezhang/DATSR: datsr/data/ref_cufed_dataset.py"
        ),
    ),
    Protocol(
        name="mrefsr",
        crop=4,
        description="CUFED5 with five separate references, everything padded to 500x500",
        data=LAYOUTS["cufed5"],
        refs="all",
        canvas=Pad((500, 500), "black"),
        references=(Pad((500, 500), "black"),),
        source="github.com/wdmwhh/MRefSR: mmsr/data/multi_ref_dataset.py (MultiRefCUFEDSet)",
    ),
    Protocol(
        name="sun80",
        crop=0,
        description=(
            "Sun80 with one of its about 20 scene matches, drawn reproducibly; papers do not state which they drew"
        ),
        data=LAYOUTS["sun80"],
        refs="first",
        references=(CropToMultiple(4),),
        source="github.com/researchmm/TTSR issue 19 (one at random); the draw is this project's (data/_layouts.py)",
    ),
    Protocol(
        name="urban100-self",
        crop=0,
        description="Urban100 with the low-res picture itself as the reference",
        data=LAYOUTS["urban100"],
        refs="self",
        source="github.com/researchmm/TTSR issue 18 (the reference is the LR itself)",
    ),
    Protocol(
        name="manga109-self",
        crop=0,
        description="Manga109 with the low-res page itself as the reference",
        data=LAYOUTS["manga109"],
        refs="self",
        source="github.com/researchmm/TTSR issue 18 (the reference is the LR itself)",
    ),
    Protocol(
        name="wr-sr",
        crop=4,
        description="WR-SR, a web-found reference for each picture, as C2-Matching and DATSR evaluate",
        data=LAYOUTS["wr-sr"],
        refs="first",
        canvas=Pad(None),
        references=(CropToMultiple(4), Pad(None)),
        source=(
            "github.com/yumingj/C2-Matching: datasets/DATASETS.md, datasets/WR-SR_pairs.txt, "
            "mmsr/data/ref_cufed_dataset.py"
        ),
    ),
    Protocol(
        name="sisr",
        crop=4,
        description="Set5, Set14, BSD100 or Urban100 with their own low-res pictures (MATLAB's bicubic); no reference",
        data=LAYOUTS["selfexsr"],
        refs="none",
        target=Unchanged(),
        low_res=LowRes("own"),
        source=(
            "github.com/jbhuang0604/SelfExSR: data/SET/image_SRF_4; crop and luma as in all single-image papers since"
        ),
    ),
    Protocol(
        name="sisr-pillow",
        crop=4,
        description="Set5, Set14, BSD100 or Urban100 with low-res pictures made by Pillow; no reference",
        data=LAYOUTS["single"],
        refs="none",
        source="as sisr; the low-res picture as in all code for reference-based super-resolution",
    ),
)

#: Protocols by name.
PROTOCOLS = {protocol.name: protocol for protocol in _ALL}


def protocol_named(name: str) -> Protocol:
    """Raises InputError, with the names that are meant or all there are, when there is no such protocol."""
    if name not in PROTOCOLS:
        near = [known for known in PROTOCOLS if known.startswith(name)] or get_close_matches(
            name, PROTOCOLS, cutoff=0.75
        )
        meant = f" Did you mean {' or '.join(near)}?" if name and near else ""
        raise InputError(f"There is no protocol called {name!r}.{meant} There are: {', '.join(PROTOCOLS)}.")
    return PROTOCOLS[name]
