"""The decision of a defence that answers nothing; needs no torch."""

REJECTED = -1  # the decision where no class has more than half of the views: never a class
