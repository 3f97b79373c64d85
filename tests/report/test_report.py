"""Reports: the same figures in every file; a page that no file name can steer and that needs no network."""

import base64
import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluate.pictures import PAIRS, bicubic, scene, write_pairs
from PIL import Image

from srntt.data import read_pairs
from srntt.evaluate import (
    Crops,
    Evaluation,
    Journal,
    PreparedReference,
    ReferenceChange,
    Score,
    Upscaled,
    by_model,
    protocol_named,
    score_pairs,
)
from srntt.metrics import psnr_y
from srntt.models.lite import Lite, LiteConfig
from srntt.report import CROPS, write_report
from srntt.upscale import Provenance, Upscaler

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&<!--"


def decoded(uri: str) -> np.ndarray:
    head, body = uri.split(",", 1)
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(body))).convert("RGB"))


def content(page: str) -> dict[str, Any]:
    """What the page's script reads."""
    (text,) = re.findall(r'<script type="application/json" id="report">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def written(folder: Path, *evaluations: Evaluation) -> Path:
    write_report(evaluations, folder / "out")
    return folder / "out"


def flat(name: str = "a", psnr: float = 30.0, **more: Any) -> Score:
    return Score(name, {"psnr_y": psnr, "lpips": None}, 1.5, **more)


def traced(low_res: np.ndarray, references: Sequence[PreparedReference]) -> Upscaled:
    """Bicubic that says all its detail is from one place of the last reference."""
    h, w = low_res.shape[:2]
    number = np.full((h, w), len(references) - 1)
    place = (np.full((h, w), 25.0, np.float32), np.full((h, w), 12.2, np.float32))
    provenance = Provenance(("a", "b"), number, *place, np.full((h, w), 0.5, np.float32))
    similarity = np.linspace(0, 1, h * w, dtype=np.float32).reshape(h, w)
    return Upscaled(bicubic(low_res, []).picture, (), similarity, provenance)


def viewed(folder: Path, method: Any, kind: Any = "all", change: ReferenceChange | None = None) -> Evaluation:
    pairs = read_pairs(write_pairs(folder / "data"))
    scores = score_pairs(method, pairs, kind, PAIRS, change=change, crops=CROPS)
    return Evaluation("pairs", "traced", kind, scores, change=change)


def test_csv_has_every_figure_and_no_formula(tmp_path: Path) -> None:
    scores = (flat('=HYPERLINK("http://x","a,b")', similarity=0.5, bicubic=28.0), flat("b", float("inf")))
    folder = written(tmp_path, Evaluation("pairs", "one", "first", scores), Evaluation("pairs", "one", "none", scores))
    rows = list(csv.DictReader(io.StringIO((folder / "report.csv").read_text(), newline="")))
    assert [(row["references"], row["psnr_y"]) for row in rows[:2]] == [("first", "30.0"), ("first", "")]
    assert "lpips" not in rows[0]  # was not taken
    assert (rows[0]["similarity"], rows[0]["bicubic_psnr_y"], rows[0]["seconds"]) == ("0.5", "28.0", "1.5")
    assert rows[0]["target"] == '\'=HYPERLINK("http://x","a,b")'
    assert [row["references"] for row in rows] == ["first", "first", "none", "none"]


def test_peers_are_distinguished_everywhere(tmp_path: Path) -> None:
    """Even one that is called as a model is."""
    ours = Evaluation("pairs", "bicubic", "none", (flat(),))
    folder = written(tmp_path, ours, replace(ours, peer={"pillow": "12", "weights": "ab"}))
    assert ["peer" in item for item in json.loads((folder / "report.json").read_text())] == [False, True]
    rows = list(csv.DictReader(io.StringIO((folder / "report.csv").read_text(), newline="")))
    assert [row["peer"] for row in rows] == ["no", "yes"]
    markdown = (folder / "report.md").read_text()
    assert "| bicubic | none | 30.00 | 1.50 |\n| bicubic (peer) | none | 30.00 | 1.50 |" in markdown
    assert "* peer bicubic: pillow 12, weights ab\n" in markdown
    reported = content((folder / "report.html").read_text())
    assert [run["peer"] for run in reported["runs"]] == [None, {"pillow": "12", "weights": "ab"}]


def test_a_metric_without_weights_is_reported_once_and_has_no_column(tmp_path: Path) -> None:
    folder = written(tmp_path, Evaluation("pairs", "one", "first", (flat(),)))
    note = "LPIPS not computed: the weights were not fetched (srntt weights get lpips)."
    assert (folder / "report.md").read_text().count("LPIPS") == 1
    assert note in (folder / "report.md").read_text()
    reported = content((folder / "report.html").read_text())
    assert [metric["name"] for metric in reported["metrics"]] == ["psnr_y"]
    assert reported["note"] == note
    assert json.loads((folder / "report.json").read_text())["mean"] == {"psnr_y": 30.0, "lpips": None}
    taken = Evaluation("pairs", "one", "first", (replace(flat(), values={"psnr_y": 30.0, "lpips": 0.5}),))
    folder = written(tmp_path / "taken", taken)
    assert "| model | references | PSNR-Y | LPIPS | seconds |" in (folder / "report.md").read_text()
    assert content((folder / "report.html").read_text())["note"] == ""


def test_json_reports_similarity_and_the_floor_of_each_picture(tmp_path: Path) -> None:
    reported = viewed(tmp_path, traced).as_json()["images"][0]
    assert reported["similarity"] == pytest.approx(0.5)
    assert reported["bicubic_psnr_y"] == pytest.approx(reported["psnr_y"])  # the method is bicubic
    assert "view" not in reported


def test_nothing_in_a_name_can_end_the_data_or_run(tmp_path: Path) -> None:
    crops = Crops((0, 0, 4, 4), {"output": "data:image/png;base64,"}, ((HOSTILE, "data:image/png;base64,"),))
    evaluation = Evaluation(
        "pairs",
        HOSTILE,
        "first",
        (flat(HOSTILE, crops=crops, fallbacks=(HOSTILE,)),),
        {"system": HOSTILE, "device": "\u2028 SCRIPT-HASH {}"},
    )
    folder = written(tmp_path, evaluation)
    page = (folder / "report.html").read_text()
    reported = content(page)
    assert reported["runs"][0]["model"] == reported["images"][0]["name"] == reported["environment"]["system"] == HOSTILE
    assert reported["images"][0]["crops"][0]["references"][0]["name"] == HOSTILE
    assert "alert(1)</" not in page
    assert "<img src=x" not in page
    assert page.count("<script") == 2
    assert "\u2028" not in page
    assert "<img src=x" not in (folder / "report.md").read_text().split("## ")[1].splitlines()[-1]
    harmless = written(tmp_path / "other", Evaluation("pairs", "m", "first", (flat(),)))
    data = re.compile(r'id="report">.*?</script>', re.DOTALL)
    assert data.sub("", page) == data.sub("", (harmless / "report.html").read_text())  # only the data differs


def test_the_page_needs_no_network_and_runs_its_own_script_alone(tmp_path: Path) -> None:
    page = (written(tmp_path, viewed(tmp_path, traced)) / "report.html").read_text()
    template = re.sub(r'id="report">.*?</script>', "", page, flags=re.DOTALL)
    assert re.findall(r"https?://[^\"' ]+", template) == ["http://www.w3.org/2000/svg"]  # a name, not an address
    assert not re.search(r"\b(src|href)=|@import|url\(|fetch\(|XMLHttpRequest|innerHTML|insertAdjacentHTML", template)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith(
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}';"
    )


def test_a_view_shows_the_same_window_of_everything(tmp_path: Path) -> None:
    evaluation = viewed(tmp_path, traced)
    crops = evaluation.scores[0].crops
    assert crops is not None
    assert crops.window == (0, 0, 48, 60)
    target = scene(50, 61, 0)[:48, :60]
    low_res = Image.fromarray(target).resize((15, 12), Image.Resampling.BICUBIC)
    assert np.array_equal(
        decoded(crops.pictures["low_res"]), np.asarray(low_res.resize((60, 48), Image.Resampling.NEAREST))
    )
    for what, expected in (
        ("target", target),
        ("bicubic", np.asarray(low_res.resize((60, 48), Image.Resampling.BICUBIC))),
    ):
        assert np.abs(decoded(crops.pictures[what]).astype(int) - expected).mean() < 3, what
    assert crops.pictures["output"] == crops.pictures["bicubic"]
    similarity = decoded(crops.pictures["similarity"])
    assert similarity.shape == (48, 60, 3)
    assert tuple(similarity[0, 0]) == (68, 1, 84)  # 0 and 1 of viridis
    assert tuple(similarity[-1, -1]) == (253, 231, 37)


def test_a_view_reports_where_the_texture_came_from(tmp_path: Path) -> None:
    crops = viewed(tmp_path, traced).scores[0].crops
    assert crops is not None
    assert [name for name, _ in crops.references] == ["near.png", "far.png"]
    assert (crops.source, crops.used, crops.share) == (1, (0.0, 1.0), 1.0)
    assert np.abs(decoded(crops.pictures["source"]).astype(int) - scene(50, 61, 3)).mean() < 3  # far.png
    trace = np.frombuffer(base64.b64decode(crops.trace), np.uint8).reshape(-1, crops.columns, 4)
    assert trace.shape == (6, 7, 4)
    assert (trace == [1, round(25.5 / 50 * 255), round(12.7 / 61 * 255), 128]).all()


def test_the_window_lies_where_bicubic_misses_most_for_every_method(tmp_path: Path) -> None:
    target = np.full((800, 640, 3), 128, np.uint8)
    target[500:560, 400:460] = np.random.default_rng(0).integers(0, 256, (60, 60, 3))
    folder = write_pairs(tmp_path / "data")
    Image.fromarray(target).save(folder / "target.png")
    pairs = read_pairs(folder)[:1]

    def black(low_res: np.ndarray, references: Sequence[PreparedReference]) -> Upscaled:
        return Upscaled(np.zeros((3, 800, 640), np.float32))

    windows = [score_pairs(method, pairs, "none", PAIRS, crops=1)[0].crops for method in (bicubic, black)]
    assert windows[0] is not None
    assert windows[1] is not None
    top, left, height, width = windows[0].window
    assert (height, width) == (320, 320)
    assert top <= 500
    assert top + height >= 560
    assert left <= 400
    assert left + width >= 460
    assert windows[0].window == windows[1].window


def test_a_protocol_that_pads_shows_the_target_without_it(tmp_path: Path) -> None:
    """masa pads on all sides to a multiple of 32 and stacks the references: 50x61 lies at (7, 1) of 64x64."""
    pairs = read_pairs(write_pairs(tmp_path / "data"))[:1]

    def answer(low_res: np.ndarray, references: Sequence[PreparedReference]) -> Upscaled:
        return replace(traced(low_res, references), similarity=np.eye(16, dtype=np.float32))

    (score,) = score_pairs(answer, pairs, "all", protocol_named("masa"), crops=1)
    assert score.crops is not None
    assert np.abs(decoded(score.crops.pictures["target"]).astype(int) - scene(50, 61, 0)).mean() < 3
    bright = decoded(score.crops.pictures["similarity"])[..., 0] == 253
    canvas = np.kron(np.eye(16, dtype=bool), np.ones((4, 4), bool))
    assert np.array_equal(bright, canvas[7:57, 1:62])
    assert [name for name, _ in score.crops.references] == ["reference 1, as prepared"]
    assert score.bicubic == pytest.approx(score.values["psnr_y"])


def test_a_model_reports_all_of_it(tmp_path: Path) -> None:
    model = Lite(LiteConfig(channels=8, content_blocks=1, transfer_blocks=1, descriptor=8))
    evaluation = viewed(tmp_path, by_model(Upscaler(model, device="cpu")), change=ReferenceChange("noise", 5))
    crops = evaluation.scores[1].crops
    assert crops is not None
    assert list(crops.pictures) == ["low_res", "bicubic", "output", "target", "similarity", "share", "source"]
    assert sum(crops.used) == pytest.approx(1, abs=1e-3)
    assert 0 <= (evaluation.scores[1].similarity or -1) <= 1


def test_a_view_survives_the_journal(tmp_path: Path) -> None:
    crops = viewed(tmp_path, traced).scores[0].crops
    assert crops is not None
    assert Crops.from_json(json.loads(json.dumps(asdict(crops)))) == crops
    Journal.open(tmp_path, {}).add("key", flat(crops=crops))
    assert Journal.open(tmp_path, {}).scores["key"].crops == crops
    Journal.open(tmp_path, {}).add("bare", flat())
    assert Journal.open(tmp_path, {}).scores["bare"] == flat()


def test_pictures_are_embedded_once_and_only_as_many_as_asked(tmp_path: Path) -> None:
    evaluation = viewed(tmp_path, traced)
    reported = content((written(tmp_path, evaluation, replace(evaluation, refs="first")) / "report.html").read_text())
    assert len(reported["pictures"]) == len(set(reported["pictures"]))
    assert reported["images"][0]["crops"][0] == reported["images"][0]["crops"][1]
    pairs = read_pairs(tmp_path / "data")
    assert [score.crops is not None for score in score_pairs(bicubic, pairs, "none", PAIRS, crops=1)] == [True, False]
    assert [score.crops for score in score_pairs(bicubic, pairs, "none", PAIRS)] == [None, None]


def test_a_page_stays_small_however_many_pictures(tmp_path: Path) -> None:
    """24 pictures of the most that a view holds, noise of 320x320 everywhere, in two evaluations."""
    rng = np.random.default_rng(0)
    big = ["data:image/jpeg;base64," + base64.b64encode(rng.bytes(120_000)).decode() for _ in range(24)]
    scores = tuple(
        flat(f"{n}", crops=Crops((0, 0, 320, 320), {"output": uri, "target": uri[::-1]}))
        for n, uri in enumerate(big * 4)
    )
    scores = tuple(
        replace(s, crops=s.crops and replace(s.crops, pictures={k: f"{v}{n}" for k, v in s.crops.pictures.items()}))
        for n, s in enumerate(scores)
    )
    page = (written(tmp_path, Evaluation("pairs", "m", "first", scores)) / "report.html").read_text()
    reported = content(page)
    shown = [image["crops"] is not None for image in reported["images"]]
    assert 13 << 20 < len(page) < 15_000_000
    assert shown == sorted(shown, reverse=True)  # the first ones
    assert len(reported["images"]) == 96


def test_the_floor_is_pillows_bicubic(tmp_path: Path) -> None:
    score = viewed(tmp_path, traced).scores[0]
    target = scene(50, 61, 0)[:48, :60]
    floor = (
        Image.fromarray(target).resize((15, 12), Image.Resampling.BICUBIC).resize((60, 48), Image.Resampling.BICUBIC)
    )
    a, b = (np.asarray(picture).transpose(2, 0, 1) / 255 for picture in (floor, target))
    assert score.bicubic == pytest.approx(psnr_y(a, b, crop=4))


@pytest.mark.slow
def test_the_wheel_has_the_page(tmp_path: Path) -> None:
    build = pytest.importorskip("hatchling.builders.wheel", reason="hatchling is not installed here")
    repository = Path(__file__).parents[2]
    (wheel,) = build.WheelBuilder(str(repository)).build(directory=str(tmp_path), versions=["standard"])
    assert "srntt/report/report.html" in zipfile.ZipFile(wheel).namelist()


def opened(page: Path) -> str:
    """The page as a browser makes it."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("needs Chromium")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"]
    ran = subprocess.run([browser, *flags, page.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return re.sub(r"<script.*?</script>", "", ran.stdout, flags=re.DOTALL)


@pytest.mark.slow
def test_the_page_lists_how_each_reference_was_aligned(tmp_path: Path) -> None:
    lines = ("x.jpg: same scene, 2.9x larger, 3 planes; covers 61% of the picture", "y.jpg: no geometry found")
    evaluation = viewed(tmp_path, lambda *given: replace(traced(*given), placed=lines))
    folder = written(tmp_path, evaluation)
    assert json.loads((folder / "report.json").read_text())["images"][0]["placed"] == list(lines)
    assert f"{'. '.join(lines)}." in opened(folder / "report.html")


@pytest.mark.slow
def test_robustness_is_drawn_as_curves(tmp_path: Path) -> None:
    """A line for each kind of references, a level one for the peer; many rows are told apart by more than colour."""
    noisy = [
        Evaluation("pairs", "one", kind, (flat(psnr=30 - value / 10, bicubic=25.0),), change=change)
        for kind in ("first", "all")
        for value in (0, 5, 10, 20)
        for change in (ReferenceChange("noise", value),)
    ]
    peer = Evaluation("pairs", "other", "none", (flat(bicubic=25.0),), peer={"pillow": "12"})
    ssim_first = [
        replace(item, scores=(replace(item.scores[0], values={"ssim_y": 0.9, **item.scores[0].values}),))
        for item in (*noisy, peer)
    ]
    seen = opened(written(tmp_path, *ssim_first) / "report.html")
    assert seen.count("<polyline") == 3
    assert 'id="curves-part" hidden' not in seen
    assert "noise on the references" in seen
    assert "PSNR-Y, gain over plain bicubic (higher is better), mean." in seen  # opens on PSNR-Y
    assert "repeating-linear-gradient" in seen  # the ninth row
    unchanged = opened(written(tmp_path / "plain", Evaluation("pairs", "one", "first", (flat(),))) / "report.html")
    assert "<polyline" not in unchanged
    assert re.search(r'id="curves-part" hidden', unchanged)
