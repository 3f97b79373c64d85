"""The name by which the drives of the architectures know encoded views."""

from srntt.models._encoded_view import EncodedView as EncodedReference

__all__ = ["EncodedReference"]
