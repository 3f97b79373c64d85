"""Command line interface: results on stdout, progress and errors on stderr, and exit codes.

Exit codes: 0 done, 1 some inputs failed (each named), 2 usage, 3 nothing to do, 4 model or environment,
130 interrupted, 143 terminated. torch, numba and Pillow are imported only by commands that use them.
"""

from srntt.cli._main import main
