"""Two reports held against each other: paired, with an interval, and refused where they do not pair."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli.conftest import run as run  # the command line as a function
from evaluate.pictures import scene
from PIL import Image

from srntt.errors import InputError
from srntt.report import compare_reports, comparison_table
from srntt.report._compare import paired_interval


def report(images: Any, **changes: Any) -> dict[str, Any]:
    return {"protocol": "pairs", "model": "one", "refs": "first", "mean": {}, "images": images, **changes}


def images(values: list[float], metric: str = "psnr_y") -> list[dict[str, Any]]:
    return [{"name": f"scene/{number}", metric: value, "seconds": 1.0} for number, value in enumerate(values)]


def written(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def compared(folder: Path, a: Any, b: Any):
    return compare_reports(written(folder, "a.json", a), written(folder, "b.json", b))


def test_differences_are_paired_by_name_whatever_the_order(tmp_path: Path) -> None:
    a, b = images([20.0, 30.0, 40.0, 25.0]), images([21.0, 29.5, 43.0, 25.0])
    (found,) = compared(tmp_path, report(a), report(b[::-1], model="two"))
    assert (found.metric, found.first, found.second) == ("psnr_y", 28.75, pytest.approx(29.625))
    assert found.mean == pytest.approx(0.875)
    assert (found.wins, found.losses, found.ties) == (2, 1, 1)
    assert found.runs == "first; one / two"


def test_lower_is_better_where_the_metric_says_so(tmp_path: Path) -> None:
    (found,) = compared(tmp_path, report(images([0.3, 0.2], "lpips")), report(images([0.2, 0.1], "lpips")))
    assert (found.mean, found.wins, found.losses) == (pytest.approx(-0.1), 2, 0)


def test_the_interval_is_that_of_an_independent_bootstrap() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(5).normal(0.3, 1.0, 40)
    theirs = bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert paired_interval(values) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert paired_interval(values) == paired_interval(values)  # a fixed seed


def test_the_interval_holds_the_mean_as_often_as_it_states() -> None:
    rng = np.random.default_rng(0)
    held = [low <= 0.3 <= high for low, high in (paired_interval(rng.normal(0.3, 1, 60)) for _ in range(60))]
    assert 0.85 <= np.mean(held) <= 1


def test_one_picture_has_no_interval(tmp_path: Path) -> None:
    (found,) = compared(tmp_path, report(images([20.0])), report(images([21.0])))
    assert found.interval is None
    reported = comparison_table([found])
    assert "| +1.000 | - | 1 | 0 | 0 | 1 |" in reported[-2]
    assert reported[-1].startswith("1 picture: no interval can be estimated")


def test_enough_pictures_need_no_warning(tmp_path: Path) -> None:
    for count in (19, 20):
        values = [float(number) for number in range(count)]
        (found,) = compared(tmp_path, report(images(values)), report(images(values)))
        assert (found.pictures, found.warning is None) == (count, count == 20)


def known(**reported: Any) -> dict[str, Any]:
    return report([{**image, **reported} for image in images([1.0, 2.0])])


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ({"target_sha256": "a" * 64}, {"target_sha256": "b" * 64}, r"the targets differ \(SHA-256 a{10} and b{10}\)"),
        ({"low_res_sha256": "a" * 64}, {"low_res_sha256": "b" * 64}, "low-res pictures differ"),
        ({"bicubic_psnr_y": 25.0}, {"bicubic_psnr_y": 25.00001}, "bicubic has 25.000000 dB .* 25.000010 dB"),
        ({"target_sha256": "a" * 64, "bicubic_psnr_y": 25.0}, {"bicubic_psnr_y": 26.0}, "bicubic"),
    ],
)
def test_other_pictures_of_the_same_names_are_refused(tmp_path: Path, a: dict, b: dict, message: str) -> None:
    with pytest.raises(
        InputError, match=rf"2 of 2 pictures .* have the same name but differ. For scene/0, .*{message}"
    ):
        compared(tmp_path, known(**a), known(**b))
    path, other = (written(tmp_path, name, known(**reported)) for name, reported in (("c.json", a), ("d.json", b)))
    with pytest.raises(InputError, match="have the same name but differ"):
        compare_reports(path, other, baseline="one")
    assert compared(tmp_path, known(**a), known(**a))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ({}, {"target_sha256": "a" * 64, "bicubic_psnr_y": 25.0}),
        ({"bicubic_psnr_y": 25.0}, {"bicubic_psnr_y": 25.0 + 1e-9}),
        (
            {"target_sha256": "a" * 64, "low_res_sha256": "b" * 64, "bicubic_psnr_y": 25.0},
            {"target_sha256": "a" * 64, "low_res_sha256": "b" * 64, "bicubic_psnr_y": 25.1},  # another Pillow's
        ),
    ],
)
def test_what_nothing_says_is_another_picture_pairs(tmp_path: Path, a: dict, b: dict) -> None:
    assert compared(tmp_path, known(**a), known(**b))


def test_two_sets_with_the_same_names_do_not_pair(run, tmp_path: Path) -> None:
    for number, name in enumerate(("a", "b")):
        for seed in range(2):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(scene(40, 44, 10 * number + seed)).save(tmp_path / name / f"img_{seed}.png")
        peer = ("--model", "none", "--peer", "bicubic", "--report", tmp_path / f"out-{name}")
        assert run("evaluate", "--data", tmp_path / name, *peer).code == 0
    reports = [tmp_path / f"out-{name}" / "report.json" for name in ("a", "b")]
    ran = run("evaluate", "--compare", *reports)
    assert ran.code == 2
    assert "2 of 2 pictures" in ran.err
    assert "the targets differ" in ran.err
    assert run("evaluate", "--compare", reports[0], reports[0]).code == 0


def test_every_evaluation_and_every_common_metric(tmp_path: Path) -> None:
    full = [{"name": "x", "psnr_y": 30.0, "ssim_y": 0.9, "lpips": None, "lr_psnr": 50.0}]
    part = [{"name": "x", "psnr_y": 31.0, "ssim_y": 0.8, "lpips": 0.1}]
    noise = {"what": "noise", "value": 5.0, "exactly": "so"}
    a = [report(full), report(full, refs="none"), report(full, reference_change=noise)]
    b = [report(part, reference_change=noise), report(part), report(part, refs="none")]
    found = compared(tmp_path, a, b)
    reported = [(item.runs, item.metric) for item in found]
    assert reported == [(runs, name) for runs in ("first", "none", "first, noise 5") for name in ("psnr_y", "ssim_y")]
    assert (len(found), found[0].mean, found[0].interval, found[0].wins) == (6, 1.0, None, 1)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (report(images([1.0, 2.0, 3.0])), r"b\.json has pictures \(first\) that .*a\.json lacks: scene/2"),
        (report(images([1.0])), r"a\.json has pictures \(first\) that .*b\.json lacks: scene/1"),
        (report(images([1.0, 2.0]), protocol="c2"), "has evaluations that .* lacks: protocol pairs, references first"),
        (report(images([1.0, 2.0]), refs="all"), "cannot be compared"),
        (report(images([1.0, 2.0]), reference_change={"what": "noise", "value": 3}), "cannot be compared"),
        ([report(images([1.0, 2.0])), report(images([1.0, 2.0]), refs="none")], "references none"),
        (report(images([1.0, 2.0], "ssim_y")), "no metric in common"),
    ],
)
def test_what_does_not_pair_is_refused(tmp_path: Path, other: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compared(tmp_path, report(images([1.0, 2.0])), other)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"{",
        b"[" * 100_000,
        b'{"a": ' + b"1" * 5000 + b"}",
        [],
        3,
        [3],
        {},
        report([]),
        report({"name": "x"}),
        report([[]]),
        report([{"name": 3}]),
        report([{"name": "\x1b[2J", "psnr_y": 1.0}]),
        report(images([1.0]) * 2),
        report(images([True])),
        report(images(["1"])),  # pyright: ignore[reportArgumentType]
        report(images([float("nan")])),
        report(images([float("inf")])),
        report(images([10**400])),
        report(images([{}])),  # pyright: ignore[reportArgumentType]
        report(images([1.0]), model=None),
        report(images([1.0]), refs="\n"),
        report(images([1.0]), protocol=["pairs"]),
        report(images([1.0]), reference_change={"what": [], "value": 1}),
        report(images([1.0]), reference_change={"what": "noise", "value": "1"}),
        [report(images([1.0])), report(images([1.0]))],
        report([{"name": "x", "target_sha256": "\x1b[2J"}]),
        report([{"name": "x", "low_res_sha256": []}]),
        report([{"name": "x", "bicubic_psnr_y": "1"}]),
    ],
)
def test_a_hostile_report_is_refused_by_name(tmp_path: Path, content: Any) -> None:
    with pytest.raises(InputError, match=r"b\.json .*report\.json|b\.json .*[Gg]ive") as refused:
        compared(tmp_path, report(images([1.0])), content)
    assert len(str(refused.value)) < 600
    assert "\x1b" not in str(refused.value)


def test_several_models_and_peers_pair_by_name(tmp_path: Path) -> None:
    ours, theirs, peer = report(images([1.0, 2.0])), report(images([3.0, 4.0]), model="two"), {"pillow": "12"}
    bicubic = report(images([5.0, 6.0]), model="two", refs="none", peer=peer)  # a peer may be called as a model is
    found = compared(tmp_path, [ours, theirs, bicubic], [bicubic, theirs, ours])
    assert [(item.runs, item.mean) for item in found] == [("first", 0), ("first", 0), ("peer two", 0)]
    found = compared(tmp_path, [ours, bicubic], [theirs, bicubic])  # one model each: they pair whatever their names
    assert [(item.runs, item.mean) for item in found] == [("first; one / two", 2), ("peer two", 0)]
    with pytest.raises(InputError, match=r"evaluations that .*b\.json lacks: protocol pairs, peer two"):
        compared(tmp_path, [ours, bicubic], [theirs, report(images([5.0, 6.0]), model="other", peer=peer)])
    with pytest.raises(InputError, match="lacks: protocol pairs, model one, references first"):
        compared(tmp_path, [ours, theirs], [theirs, bicubic])


def test_all_of_a_report_against_one_of_it(tmp_path: Path) -> None:
    none, first = report(images([1.0, 2.0]), refs="none"), report(images([4.0, 4.0]))
    peer = report(images([2.0, 2.5]), model="dat", refs="none", peer={"x": "1"})
    path = written(tmp_path, "a.json", [none, first, peer])
    reported = [(item.runs, item.mean, item.wins) for item in compare_reports(path, path, baseline="dat")]
    assert reported == [("dat / one, none", -0.75, 0), ("dat / one, first", 1.75, 2)]
    reported = [(item.runs, item.mean) for item in compare_reports(path, path, baseline="one, none")]
    assert reported == [("one, none / one, first", 2.5), ("one, none / dat", 0.75)]
    later = written(tmp_path, "b.json", [report(images([1.5, 2.5]), refs="none")])
    assert [(item.runs, item.mean) for item in compare_reports(path, later, baseline="one, none")] == [
        ("one, none / one, none", 0.5)
    ]


@pytest.mark.parametrize(
    ("baseline", "other", "message"),
    [
        ("one", None, r"a\.json has 2 evaluations of 'one'. Give --baseline one of: one, none; one, first"),
        ("nobody", None, r"a\.json has no 'nobody'. Give --baseline one of: one, none; one, first"),
        ("one, none", report(images([1.0]), protocol="c2"), "protocol c2, one, none in .* pairs: they cannot be"),
        ("one, none", report(images([1.0])), r"has pictures \(none\) that .* lacks: scene/1"),
    ],
)
def test_a_baseline_that_does_not_pair_is_refused(tmp_path: Path, baseline: str, other: Any, message: str) -> None:
    a = written(tmp_path, "a.json", [report(images([1.0, 2.0]), refs="none"), report(images([1.0, 2.0]))])
    with pytest.raises(InputError, match=message):
        compare_reports(a, written(tmp_path, "b.json", other) if other else a, baseline=baseline)


def test_nothing_next_to_the_baseline_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", report(images([1.0, 2.0])))
    with pytest.raises(InputError, match="contains nothing but one, first"):
        compare_reports(path, path, baseline="one")


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"b\.json does not exist"):
        compare_reports(written(tmp_path, "a.json", report(images([1.0]))), tmp_path / "b.json")


def test_the_command(run, tmp_path: Path) -> None:
    a = written(tmp_path, "a.json", report(images([20.0, 30.0])))
    b = written(tmp_path, "b.json", report(images([21.0, 32.0])))
    ran = run("evaluate", "--compare", a, b)
    assert ran.code == 0, ran.err
    head, _, row, warning = ran.out.splitlines()
    assert head.startswith("| references | metric | first | second | second - first | 95% interval |")
    assert "| first | PSNR-Y (higher is better) | 25.000 | 26.500 | +1.500 | +1.000 .. +2.000 | 2 | 0 | 0 | 2 |" in row
    assert warning.startswith("2 pictures: with fewer than 20 the interval is too narrow.")
    (reported,) = json.loads(run("evaluate", "--compare", a, b, "--json").out)
    assert (reported["mean"], reported["wins"], reported["losses"], reported["pictures"]) == (1.5, 2, 0, 2)
    assert reported["warning"] == warning


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["--compare", "a.json", "b.json"], "a.json does not exist"),
        (["--compare", "a.json", "b.json", "--data", "x"], "takes no --data"),
        (["--compare", "a.json", "b.json", "--report", "x", "--peer", "bicubic"], "takes no --peer or --report"),
        (["--compare", "a.json", "b.json", "--metrics", "psnr_y"], "takes no --metrics"),
        (["--compare", "a.json", "b.json", "--protocol", "c2"], "no other option than --json"),
        (["--compare", "a.json", "b.json", "--model", "x"], "no other option than --json"),
        (["--compare", "a.json", "b.json", "--ref-noise", "3"], "no other option than --json"),
        (["--compare", "a.json", "b.json", "--subset"], "no other option than --json"),
        (["--compare", "a.json"], "takes two reports, or one report and --baseline NAME"),
        (["--compare", "a.json", "b.json", "c.json"], "takes two reports, or one report and --baseline NAME"),
        (["--baseline", "bicubic"], "takes two reports, or one report and --baseline NAME"),
        (["--baseline", "bicubic", "--data", "x"], "takes no --data"),
        ([], "Give a folder with --data, or two reports with --compare"),
    ],
)
def test_the_command_refuses(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokens: list, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("evaluate", *tokens)
    assert ran.code == 2
    assert message in ran.err
    assert list(tmp_path.iterdir()) == []
