"""The decision of a defence that answers nothing; needs no torch."""

REJECTED = -1  # the decision where no two views agree: never a class
