"""Slow, readable twins of the fast code: the definition, in as few lines as it takes."""
