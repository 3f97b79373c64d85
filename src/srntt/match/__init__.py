"""Features to correspondences: which patch of which reference matches each patch of the query (Eq. 1-3)."""

from srntt.match._augment import ReferenceCopy, augment_references
from srntt.match._bench import bench_match
from srntt.match._correspondence import Correspondence
from srntt.match._dense import dense_match

__all__ = ["Correspondence", "ReferenceCopy", "augment_references", "bench_match", "dense_match"]
