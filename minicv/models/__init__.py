"""Floor 4: the systems, where the wing of arrays and the wing of gradients meet."""

from minicv.models.published import load, load_model

__all__ = ["load", "load_model"]
