"""What stands for the code of a running job: it goes on only with what the same code has begun."""

from pipeline.digest import digest
from pipeline.jobs.arguments import extensions


def code_of(program: str) -> str:
    """The digest of a program, such as "train_classifier", and of the kinds of one's own that this job knows."""
    return digest(program, *extensions())
