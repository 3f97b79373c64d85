"""Reference-based image super-resolution by neural texture transfer."""

__version__ = "0.1.0.dev0"
