"""The benchmark reports what it says it measures."""

import torch

from srntt.match._bench import bench_match


def test_report():
    threads = torch.get_num_threads()
    report = bench_match(query_size=(7, 9), key_size=(8, 6), channels=(5, 3), threads=(1, 2), repeats=1)
    assert torch.get_num_threads() == threads
    assert [(case["channels"], case["threads"]) for case in report["cases"]] == [(5, 1), (5, 2), (3, 1), (3, 2)]
    for case in report["cases"]:
        assert case["seconds"].keys() == {"unfold_matmul", "pixel_matmul", "fused", "torch"}
        assert case["wrong_index"]["fused"] == case["wrong_index"]["torch"] == 0
        assert case["unfold_matmul_over_fused"] == case["seconds"]["unfold_matmul"] / case["seconds"]["fused"]


def test_wrong_index_is_counted():
    """A constant map: the definition answers 0 everywhere, a method that answers otherwise is caught."""
    from srntt.match import _bench as bench

    flat = torch.ones(2, 4, 5)
    methods = {"right": lambda: torch.zeros(20, dtype=torch.int64), "off": lambda: torch.arange(20)}
    assert bench._wrong_index(flat, flat, 3, methods) == {"right": 0, "off": 19}
