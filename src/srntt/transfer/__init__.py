"""Correspondences to swapped texture maps."""

from srntt.transfer._local_frames import LocalFrames, RefinedMatch, local_frames, refine_match, sample_blocks

__all__ = ["LocalFrames", "RefinedMatch", "local_frames", "refine_match", "sample_blocks"]
