"""The shell's face of srntt: results on stdout, progress and complaints on stderr, exit codes that mean something.

0 done, 1 some inputs failed (each named), 2 usage, 3 nothing to do, 4 model or environment, 130 interrupted,
143 terminated.
Nothing here imports torch, numba or Pillow until a command has work for them.
"""

from srntt.cli._main import main
