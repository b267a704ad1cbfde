"""A block in which a network is in evaluation mode."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from minicv.nn.module import Module


@contextlib.contextmanager
def evaluating(module: Module) -> Iterator[None]:
    """Put ``module`` and all inside it into evaluation mode until the block ends.

    Then each part is in the mode that it was in before.

    So a prediction in the middle of training neither drops units nor moves running statistics.

    >>> import numpy as np
    >>> from minicv.nn import Linear
    >>> layer = Linear(2, 3, rng=np.random.default_rng(0))
    >>> with evaluating(layer):
    ...     layer.training
    False
    >>> layer.training
    True
    """
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training
