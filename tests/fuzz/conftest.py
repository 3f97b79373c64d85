"""Fuzzers are run by make fuzz; they need atheris, which pytest does not."""

collect_ignore_glob = ["*.py"]
