"""A block in which a network is in evaluation mode, for the thread that entered it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from minicv.nn.module import Module, being_evaluated


@contextlib.contextmanager
def evaluating(module: Module) -> Iterator[None]:
    """Put ``module`` and all inside it into evaluation mode until the block ends.

    So a prediction in the middle of training neither drops units nor moves running statistics. The
    mode that the module was put into stays as it is underneath, and other threads see that one:
    several threads may predict with one model, while another trains it or not.

    >>> import numpy as np
    >>> from minicv.nn import Linear
    >>> layer = Linear(2, 3, rng=np.random.default_rng(0))
    >>> with evaluating(layer):
    ...     layer.training
    False
    >>> layer.training
    True
    """
    before = being_evaluated.modules
    # The modules themselves are kept, so that no other can get the number of one that is gone.
    being_evaluated.modules = {**before, **{id(part): part for part in module.modules()}}
    try:
        yield
    finally:
        being_evaluated.modules = before
