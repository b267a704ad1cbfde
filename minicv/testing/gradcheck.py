"""Does `backward` compute the derivative of `forward`? Compare it with numerical slopes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from minicv.testing.directions import groups, random_direction, worst_element
from minicv.testing.passes import (
    GradientError,
    Operation,
    analytic_gradients,
    check_float64,
    loss_terms,
)
from minicv.testing.slopes import (
    ROUNDING,
    Ray,
    Slope,
    Terms,
    best_difference,
    central_difference,
    complex_step,
    on_a_kink,
)

Mode = Literal["direction", "full"]
Method = Literal["auto", "complex", "central"]
COMPLEX_RTOL = 1e-9  # what a complex step must agree to


class NonDifferentiableError(ValueError):
    """Every point that was tried lies on a kink of the operation: there is nothing to compare."""


def gradcheck(
    operation: Operation,
    *inputs: np.ndarray,
    mode: Mode = "direction",
    method: Method = "auto",
    eps: float = 1e-6,
    rtol: float = 1e-6,
    atol: float = 0.0,
    retries: int = 3,
    seed: int = 0,
) -> None:
    r"""Compare the gradients of ``operation(*inputs)`` with numerical derivatives.

    A random cotangent u turns the output into the number L = <u, operation(*inputs)>. (Never
    all ones: a softmax sums to one, so with ones every gradient of it would look right.) Then

    - ``mode="direction"`` compares <dL/dx, v> with the slope of L along random directions v. The
      elements of an input move in groups, at most a hundred times apart in the size of their
      gradient, so that a gradient of 1e-9 does not hide behind one of 1; up to 16,384 elements a
      group has at most 1,024 members, so that no element hides among thousands;
    - ``mode="full"`` compares every element of every gradient.

    Two slopes are consulted. The complex step, Im L(x + ihv) / h with h = 1e-20, has no rounding
    error, but not every forward can compute with complex numbers, and one with ``abs``, ``var``,
    ``std``, ``linalg.norm`` or ``.real`` in it loses a part of the slope. The central difference,
    (L(x + eps v) - L(x - eps v)) / 2 eps, is always there. Where the two agree, backward must agree
    with the complex step; where they do not, with the central difference. Where rounding or
    curvature leaves doubt, steps from eps / 65536 to 16384 eps are tried. A point that turns out to
    lie on a kink (the slopes from left and right differ) is moved a little, at most ``retries``
    times.

    It also checks that inputs and cotangent are left unchanged, and that a second pass gives the
    same result and adds the same gradient once more.

    What no check can see is an error below the rounding of float64: about 1e-14 of the greatest
    gradient of that input and of the results that the element changes; 1e-11 of those results where
    there is no complex step. Nor can it see an error that vanishes at these very inputs, as that of
    a forgotten transpose does at a symmetric matrix.

    Args:
        operation: takes one Tensor for each input and returns a Tensor, or several.
        inputs: float64 arrays. Fix anything else (labels, options) in a closure.
        mode: see above.
        method: "auto" consults both slopes; "complex" and "central" use that method alone.
        eps: step of the central difference, relative to max(1, |x|).
        rtol: agreement demanded, relative to the gradients that move together. The complex step is
            held to min(rtol, 1e-9).
        atol: a difference that is allowed whatever the size of the gradient; for a forward whose
            intermediate values are much greater than its results.
        retries: how often a point on a kink is moved before giving up.
        seed: of the cotangent and the directions; printed on failure.

    Raises:
        GradientError: with operation, input, worst element, both values and the seed.
        NonDifferentiableError: no point without a kink was found.
        TypeError: an input is not float64, the operation returns no floating Tensor, or
            ``method="complex"`` and the forward cannot.
        ValueError: ``mode`` or ``method`` is unknown; an input or the result is not finite.

    >>> from minicv import functional as F
    >>> gradcheck(F.exp, np.array([0.5, -1.0]))
    """
    check_float64("gradcheck", inputs)
    if mode not in ("direction", "full"):
        raise ValueError(f"gradcheck: mode must be 'direction' or 'full' but is {mode!r}")
    if method not in ("auto", "complex", "central"):
        raise ValueError(
            f"gradcheck: method must be 'auto', 'complex' or 'central' but is {method!r}"
        )
    rng = np.random.default_rng(seed)
    point = [array.copy(order="K") for array in inputs]
    for _ in range(retries + 1):
        mismatch, kinked = _worst_mismatch(operation, point, mode, method, eps, rtol, atol, seed)
        if mismatch is None:
            return
        if not kinked:
            raise GradientError(mismatch)
        point = [x + 1e-3 * rng.uniform(-1, 1, x.shape) * (1 + np.abs(x)) for x in point]
    raise NonDifferentiableError(
        f"gradcheck: {retries + 1} points all lie on a kink of the operation; choose inputs "
        "without ties and zeros, e.g. minicv.testing.strategies.distinct_arrays (a forward that "
        f"computes in float32 has a step everywhere: let it keep float64). Last: {mismatch}"
    )


def _worst_mismatch(
    operation: Operation,
    point: list[np.ndarray],
    mode: Mode,
    method: Method,
    eps: float,
    rtol: float,
    atol: float,
    seed: int,
) -> tuple[str | None, bool]:
    """(description of the worst element of the first wrong gradient or None, whether on a kink)."""
    name, cotangents, gradients = analytic_gradients("gradcheck", operation, point, seed)
    terms = loss_terms("gradcheck", operation, cotangents)
    result = float(np.abs(terms(point)).max(initial=0))
    rng = np.random.default_rng(seed + 1)
    for index, (x, gradient) in enumerate(zip(point, gradients, strict=True)):
        check = _InputCheck(terms, point, index, gradient, result, method, eps, rtol, atol)
        wrong: list[tuple[np.ndarray, _Comparison]] = []
        on_kinks: list[tuple[np.ndarray, _Comparison]] = []
        for members, direction in _directions(check.sizes, mode, rng):
            found = check.compare(members, direction)
            if not found.differs:
                continue
            # Where both slopes agree there is no kink, however much L bends within eps.
            smooth = method == "auto" and found.by == "complex step"
            kinked = not smooth and on_a_kink(terms, check.ray(members, direction), eps)
            (on_kinks if kinked else wrong).append((members, found))
            if mode == "direction":
                break
        if not wrong and not on_kinks:
            continue
        members, found = max(wrong or on_kinks, key=lambda each: each[1].fault)
        place = "along a random direction"
        if wrong:
            place, found = check.worst(members, found)
        message = (
            f"{name}: gradient of input {index} (shape {x.shape}) is wrong {place}: "
            f"backward says {found.analytic:.10g}, {found.by} says {found.numeric:.10g} "
            f"(the worst of {x.size} elements; eps={eps:g}, rtol={found.rtol:g}, atol={atol:g}, "
            f"seed={seed})"
        )
        return message, not wrong
    return None, False


class _Comparison(NamedTuple):
    """Two slopes along one direction."""

    analytic: float
    by: str
    numeric: float
    rtol: float
    allowed: float

    @property
    def fault(self) -> float:
        """How far the two are apart; infinite where one of them is not finite."""
        off = abs(self.analytic - self.numeric)
        return off if np.isfinite(off) else float("inf")

    @property
    def differs(self) -> bool:
        return not np.isfinite(self.fault) or self.fault > self.allowed


@dataclass(frozen=True)
class _InputCheck:
    """The comparisons for one input.

    Attributes:
        gradient: what backward says of it.
        result: the greatest term of L.
    """

    terms: Terms
    point: list[np.ndarray]
    index: int
    gradient: np.ndarray
    result: float
    method: Method
    eps: float
    rtol: float
    atol: float

    @cached_property
    def reach(self) -> np.ndarray:
        """(size,) how far each element moves in a step of 1: large numbers move further."""
        return np.maximum(1.0, np.abs(self.point[self.index].reshape(-1)))

    @cached_property
    def sizes(self) -> np.ndarray:
        """(size,) how much L changes with each element, as backward has it."""
        return np.abs(self.gradient.reshape(-1)) * self.reach

    @cached_property
    def noise(self) -> float:
        """What no slope can be told from: what rounding does, it does to all elements alike.

        Where all gradients are smaller than the rounding of the results, as in a softmax that is
        saturated, they are differences of such results, and nothing but rounding.
        """
        greatest = float(self.sizes.max(initial=0, where=np.isfinite(self.sizes)))
        rounded = ROUNDING * self.result
        return self.atol + (rounded if greatest < rounded else ROUNDING * greatest)

    def ray(self, members: np.ndarray, direction: np.ndarray) -> Ray:
        """The way on which these elements move, and no others."""
        whole = np.zeros(self.gradient.size)
        whole[members] = direction * self.reach[members]
        return Ray(self.point, self.index, whole.reshape(self.gradient.shape))

    def products(self, members: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """(M,) by how much L changes with each of these elements, as backward has it."""
        return self.gradient.reshape(-1)[members] * (direction * self.reach[members])

    def compare(self, members: np.ndarray, direction: np.ndarray) -> _Comparison:
        """What backward and the numerical slopes say when these elements move.

        Args:
            members: (M,) flat positions.
            direction: (M,).
        """
        ray = self.ray(members, direction)
        products = self.products(members, direction)
        analytic = float(products.sum())
        size = float(np.linalg.norm(products))

        def judged(by: str, numeric: float, rtol: float, error: float) -> _Comparison:
            allowed = rtol * max(abs(analytic), abs(numeric), size) + self.noise + error
            return _Comparison(analytic, by, numeric, rtol, allowed)

        step = None if self.method == "central" else complex_step(self.terms, ray)
        if step is None and self.method == "complex":
            raise TypeError("gradcheck: this forward cannot compute with complex numbers")
        if step is not None:
            by_step = judged("complex step", step.value, min(self.rtol, COMPLEX_RTOL), step.error)
            if self.method == "complex" or self._confirmed(step, size, ray):
                return by_step
        plain = central_difference(self.terms, ray, self.eps)
        found = judged("central difference", plain.value, self.rtol, 0.0)
        if not found.differs:
            return found
        best = best_difference(self.terms, ray, self.eps, None if step is None else step.moved)
        if np.isnan(best.value) and step is not None:
            return by_step
        return judged("central difference", best.value, self.rtol, best.error)

    def _confirmed(self, step: Slope, size: float, ray: Ray) -> bool:
        """Whether the central difference confirms the complex step."""

        def near(value: float, error: float) -> bool:
            scale = max(abs(step.value), abs(value), size)
            return abs(step.value - value) <= self.rtol * scale + self.noise + error

        if near(central_difference(self.terms, ray, self.eps).value, 0.0):
            return True
        best = best_difference(self.terms, ray, self.eps, step.moved)
        return near(best.value, best.error)

    def worst(self, members: np.ndarray, found: _Comparison) -> tuple[str, _Comparison]:
        """Where the worst of these elements is, and what is said of it alone."""
        signs = random_direction(self.sizes.shape, np.random.default_rng(0))

        def fault(some: np.ndarray) -> float:
            ray = self.ray(some, signs[some])
            by_step = complex_step(self.terms, ray) if found.by == "complex step" else None
            slope = by_step or central_difference(self.terms, ray, self.eps)
            off = abs(float(self.products(some, signs[some]).sum()) - slope.value)
            return off if np.isfinite(off) else float("inf")

        element = worst_element(members, fault)
        alone = self.compare(np.array([element]), np.ones(1))
        if not alone.differs:  # each alone is within what is allowed; all together are not
            return "along a random direction", found
        reach = float(self.reach[element])
        place = [int(i) for i in np.unravel_index(element, self.gradient.shape)]
        one = alone._replace(analytic=alone.analytic / reach, numeric=alone.numeric / reach)
        return f"at {place}", one


def _directions(
    sizes: np.ndarray, mode: Mode, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(positions of the elements that move, how they move)."""
    if mode == "full":
        for position in range(sizes.size):
            yield np.array([position]), np.ones(1)
        return
    for members in groups(sizes):
        for _ in range(2):
            yield members, random_direction(members.shape, rng)
