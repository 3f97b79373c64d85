"""Benchmarks of `srntt bench`: time and memory of matching and upscaling on this machine."""

from srntt.bench._device import bench_device
from srntt.bench._fast import bench_fast, turned_pair
from srntt.bench._match import bench_match
from srntt.bench._memory import bench_memory
from srntt.bench._upscale import bench_upscale
