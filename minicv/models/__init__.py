"""Floor 4: the systems, where the wing of arrays and the wing of gradients meet."""
