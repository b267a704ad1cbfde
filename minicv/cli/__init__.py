"""Floor 7: the command ``minicv``."""
