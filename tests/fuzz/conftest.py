"""Fuzzers are run by make fuzz; they require atheris, which pytest does not."""

collect_ignore_glob = ["*.py"]
