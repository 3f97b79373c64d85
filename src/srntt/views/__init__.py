"""A reference to the views of it that are searched, each with its map back to the original picture."""

from srntt.views._turned import ReferenceCopy, augment_references

__all__ = ["ReferenceCopy", "augment_references"]
