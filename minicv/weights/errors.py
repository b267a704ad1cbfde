"""The one error of this floor."""


class WeightsError(ValueError):
    """A weights file cannot be read, written or used; the message names the file and the reason."""
