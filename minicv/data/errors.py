"""What is said about data that is wrong."""

from __future__ import annotations


class AnnotationError(ValueError):
    """An annotation is wrong; the message names the file and the field."""


class DatasetWarning(UserWarning):
    """Something in a data set was repaired; the message names the file and the field."""
