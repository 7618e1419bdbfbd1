"""The family of views with every kind that is ours: importing this registers them all, without torch."""

from spurious.views import blurs, compression, filters
from spurious.views.registry import View, blurs_of, words_of

__all__ = ["View", "blurs", "blurs_of", "compression", "filters", "words_of"]
