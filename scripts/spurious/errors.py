"""The one exception for everything a user can mend."""


class SpuriousError(ValueError):
    """Bad input: the message is one line that names the file or key and the remedy."""
