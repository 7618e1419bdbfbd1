"""Decisions that name no class; needs no torch."""

REJECTED = -1  # the decision where no class has more than half of the views: never a class
ABSTAINED = -2  # the answer of a smoothed classifier whose draws decide for nothing: neither a class nor a rejection
