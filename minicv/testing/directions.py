"""Which elements of an input move together, and how the one that is wrong is found among them.

A sum over thousands of elements hides one that is wrong, and a gradient of 1 hides one of 1e-9. So
elements move in groups of similar size, and of limited number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

MOST_RATIO = 100.0  # between the greatest and the smallest gradient of a group
MOST_MEMBERS = 1024
MOST_GROUPS = 16  # of equal size; a larger input has larger groups, so that a check takes seconds
FEW = 32  # so many elements are looked at one by one


def random_direction(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Values of both signs between 0.3 and 1 in size: no element is left out by being near zero.

    >>> bool((np.abs(random_direction((5,), np.random.default_rng(0))) >= 0.3).all())
    True
    """
    return rng.uniform(0.3, 1.0, shape) * rng.choice([-1.0, 1.0], shape)


def groups(sizes: np.ndarray) -> Iterator[np.ndarray]:
    """Cut the elements into groups, such that no element is lost beside much greater ones.

    Args:
        sizes: of each element, at least 0; NaN counts as the greatest.

    Yields:
        flat positions, the greatest elements first. All that are 0 are in groups of their own.

    >>> [group.tolist() for group in groups(np.array([0.5, 0.0, 1.0, 2e-9, 1e-9]))]
    [[2, 0], [3, 4], [1]]
    """
    flat = np.nan_to_num(sizes.reshape(-1), nan=np.inf)
    order = np.argsort(-flat, kind="stable")
    falling = flat[order]
    most = max(MOST_MEMBERS, -(-flat.size // MOST_GROUPS))
    start = 0
    while start < flat.size:
        least = falling[start] / MOST_RATIO
        similar = int(np.searchsorted(-falling, -least, side="right"))
        end = min(max(similar, start + 1), start + most)
        yield order[start:end]
        start = end


def worst_element(members: np.ndarray, fault: Callable[[np.ndarray], float]) -> int:
    """The flat position of the element with the greatest fault.

    Of many elements, that half is searched which has the greater fault together.

    Args:
        members: flat positions, at least one.
        fault: how far the gradient is off when these elements move, and no others.

    >>> off = np.array([0.0, 0.1, -3.0, 0.2])
    >>> worst_element(np.arange(4), lambda some: abs(off[some].sum()))
    2
    """
    while len(members) > FEW:
        half = len(members) // 2
        halves = members[:half], members[half:]
        members = max(halves, key=fault)
    return int(max(members, key=lambda element: fault(np.array([element]))))
