"""Published figures of other methods, to be printed next to measured ones: PSNR and SSIM on Y, factor 4.

Only figures read off a published table are here. Protocols differ between papers (docs/evaluation.md), so each figure
names the protocol it was made by, where that is known, and the table it was read from.
"""

from dataclasses import dataclass

_WTRN = "table of WTRN (Li et al., IEEE TIP 2022)"
_AMSA = "table of AMSA (Xia et al., AAAI 2022)"
_SETS = ("CUFED5", "Sun80", "Urban100", "Manga109")


@dataclass(frozen=True)
class Published:
    """A figure from a paper: PSNR in dB and SSIM, both on Y, and the table it was read from.

    ``protocol`` is our name of how it was made; None where the paper does not say.
    """

    method: str
    psnr: float
    ssim: float
    protocol: str | None
    source: str


_ROWS: tuple[tuple[str, str, str | None, tuple[tuple[float, float], ...]], ...] = (
    ("Bicubic", _WTRN, None, ((24.22, 0.684), (28.65, 0.767), (23.13, 0.659), (24.95, 0.789))),
    ("EDSR, retrained on CUFED", _WTRN, None, ((26.45, 0.781), (30.08, 0.815), (25.91, 0.782), (30.16, 0.907))),
    ("RCAN", _AMSA, None, ((26.06, 0.769), (29.86, 0.810), (25.42, 0.768), (29.38, 0.895))),
    ("SRNTT", _AMSA, None, ((25.61, 0.764), (27.59, 0.756), (25.09, 0.774), (27.54, 0.862))),
    ("SRNTT-rec", _AMSA, None, ((26.24, 0.784), (28.54, 0.793), (25.50, 0.783), (28.95, 0.885))),
    ("TTSR-rec", _AMSA, "ttsr-stitched", ((27.09, 0.804), (30.02, 0.814), (25.87, 0.784), (30.09, 0.907))),
    ("WTRN-rec", _WTRN, None, ((27.33, 0.810), (30.11, 0.816), (26.00, 0.787), (30.37, 0.909))),
    ("MASA-rec", _AMSA, "masa", ((27.54, 0.814), (30.15, 0.815), (26.09, 0.786), (30.28, 0.909))),
    ("C2-Matching-rec", _AMSA, "c2", ((28.24, 0.841), (30.18, 0.817), (26.03, 0.785), (30.47, 0.911))),
    ("AMSA-rec", _AMSA, "c2", ((28.50, 0.849), (30.29, 0.819), (26.18, 0.789), (30.57, 0.914))),
)
_OWN_PROTOCOLS = {"Sun80": "sun80", "Urban100": "urban100-self", "Manga109": "manga109-self"}


def published(set_name: str, scale: int) -> tuple[Published, ...]:
    """Return the published figures on a set, as in `Layout.name`, in order of publication; empty if there are none."""
    if scale != 4 or set_name not in _SETS:
        return ()
    column = _SETS.index(set_name)
    figures = []
    for method, source, protocol, values in _ROWS:
        named = protocol if set_name == "CUFED5" else protocol and _OWN_PROTOCOLS[set_name]
        figures.append(Published(method, *values[column], named, source))
    return tuple(figures)
