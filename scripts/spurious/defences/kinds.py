"""The family of defences with every kind that is ours: importing this registers them all, without torch."""

from spurious.defences import entries
from spurious.defences.registry import Claim, Defence

__all__ = ["Claim", "Defence", "entries"]
