"""Names that a wrapper lengthened, such as ``module.conv1.weight`` of DataParallel."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from minicv.weights.errors import WeightsError


def without_prefix(
    weights: Mapping[str, np.ndarray], wanted: Collection[str], source: str
) -> tuple[Mapping[str, np.ndarray], str]:
    """The weights by the names that a model has, and the prefix that was taken off.

    Names stay as they are where the model has them. Else there must be one prefix, of whole parts
    of the name, with which all of the model's names are in the file; entries without that prefix
    are left out then. If there is none, the names stay: whoever loads them says what is missing.

    Args:
        weights: by the names in the file.
        wanted: names of the model's entries.
        source: what the weights are called, for the error.

    Returns:
        the weights; and the prefix with its dot, or "".

    Raises:
        WeightsError: several prefixes fit, such as those of a student and of its teacher.

    >>> one = np.ones(1)
    >>> found, prefix = without_prefix({"module.w": one, "module.b": one}, ["w", "b"], "x.pth")
    >>> list(found), prefix
    (['w', 'b'], 'module.')
    """
    if not wanted or any(name in weights for name in wanted):
        return weights, ""
    probe = min(wanted)
    prefixes = [name.removesuffix(probe) for name in weights if name.endswith(f".{probe}")]
    fitting = [p for p in prefixes if all(p + name in weights for name in wanted)]
    if len(fitting) > 1:
        raise WeightsError(
            f"{source}: the layers are there under {len(fitting)} names "
            f"({', '.join(f'{prefix}{probe}' for prefix in fitting[:5])}); save the ones that are "
            "meant alone"
        )
    if not fitting:
        return weights, ""
    (prefix,) = fitting
    found = {n.removeprefix(prefix): a for n, a in weights.items() if n.startswith(prefix)}
    return found, prefix
