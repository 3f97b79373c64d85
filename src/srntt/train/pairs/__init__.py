"""Photographs and ready-made pairs to batches: targets, inputs, references, and where the truth lies."""
