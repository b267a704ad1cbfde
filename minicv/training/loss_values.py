"""The losses of a step as numbers."""

from __future__ import annotations

from collections.abc import Mapping

from minicv.autograd import Tensor
from minicv.backend import to_numpy, xp_of


def loss_values(losses: Mapping[str, Tensor]) -> dict[str, float]:
    """The value of each loss. They come from a device together, so that the host waits once.

    >>> loss_values({"loss_objectness": Tensor([0.5]), "loss_box_reg": Tensor([0.25])})
    {'loss_objectness': 0.5, 'loss_box_reg': 0.25}
    """
    if not losses:
        return {}
    arrays = [loss.data.reshape(()) for loss in losses.values()]
    together = xp_of(*arrays).stack(arrays)
    return dict(zip(losses, to_numpy(together).tolist(), strict=True))
