"""A test of the tests: break each backward in ways that happen, and see the checker refuse it.

A gradient check that always says yes is worse than none. So for every operation the true backward
must pass, and each sabotaged one must be refused: by gradcheck, and where the operation is linear
by adjoint_check too. Some sabotage changes nothing by nature (reversing a gradient whose elements
are all equal); it is left out after comparing the two gradients, and at least four must remain.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from operation_cases import CASES, OperationCase, all_functions

from minicv import Function, Tensor
from minicv.testing import GradientError, adjoint_check, gradcheck

Sabotage = Callable[[int, np.ndarray], np.ndarray]  # (number of the input, its gradient)

SABOTAGES: dict[str, Sabotage] = {
    "zero": lambda index, gradient: 0 * gradient,
    "doubled": lambda index, gradient: 2 * gradient,
    "wrong sign": lambda index, gradient: -gradient,
    "wrong by 0.1 %": lambda index, gradient: 1.001 * gradient,
    "transposed": lambda index, gradient: gradient.T.reshape(gradient.shape),
    "reversed": lambda index, gradient: np.flip(gradient).copy(),
    "first input dropped": lambda index, gradient: 0 * gradient if index == 0 else gradient,
    "last element dropped": lambda index, gradient: np.append(gradient.ravel()[:-1], 0.0).reshape(
        gradient.shape
    ),
    "constant added": lambda index, gradient: gradient + 0.1,
}
FEWEST_EFFECTIVE = 4


def test_every_operation_has_a_case():
    missing = all_functions() - {case.function for case in CASES}
    assert not missing, "add a case to tests/operation_cases.py for: " + ", ".join(
        sorted(f"{function.__module__}.{function.__name__}" for function in missing)
    )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_true_backward_passes(case: OperationCase):
    gradcheck(case.operation, *case.inputs)
    for index in case.linear:
        adjoint_check(case.operation, *case.inputs, wrt=index)


@pytest.mark.parametrize(
    "case", [case for case in CASES if sum(x.size for x in case.inputs) <= 40], ids=str
)
def test_true_backward_passes_element_by_element(case: OperationCase):
    gradcheck(case.operation, *case.inputs, mode="full")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_sabotaged_backward_is_refused(case: OperationCase, monkeypatch: pytest.MonkeyPatch):
    function, true_backward = case.function, case.function.backward
    true_gradients = _gradients(case)
    effective = []
    for name, sabotage in SABOTAGES.items():
        monkeypatch.setattr(function, "backward", _sabotaged(true_backward, sabotage))
        gradients = _gradients(case)
        changed = [
            not np.allclose(wrong, true, rtol=1e-6, atol=1e-9)
            for wrong, true in zip(gradients, true_gradients, strict=True)
        ]
        if any(changed):
            effective.append(name)
            _assert_refused(name, lambda: gradcheck(case.operation, *case.inputs))
        for index in case.linear:
            if changed[index]:
                _assert_refused(
                    name, lambda index=index: adjoint_check(case.operation, *case.inputs, wrt=index)
                )
    assert len(effective) >= FEWEST_EFFECTIVE, f"only {effective} change the gradient of {case}"


def _sabotaged(backward: Callable, sabotage: Sabotage) -> Callable:
    def wrong(self: Function, grad: np.ndarray) -> tuple[np.ndarray | None, ...]:
        gradients = backward(self, grad)
        if not isinstance(gradients, tuple):
            gradients = (gradients,)
        return tuple(
            None if gradient is None else sabotage(index, gradient)
            for index, gradient in enumerate(gradients)
        )

    return wrong


def _gradients(case: OperationCase) -> list[np.ndarray]:
    """The gradient of each input, for an uneven arriving gradient that is the same every time."""
    tensors = [Tensor(x, requires_grad=True) for x in case.inputs]
    output = case.operation(*tensors)
    output.backward(np.random.default_rng(5).uniform(0.5, 1.5, output.shape))
    return [tensor.grad for tensor in tensors]


def _assert_refused(sabotage: str, check: Callable[[], None]) -> None:
    try:
        check()
    except GradientError:
        return
    pytest.fail(f"a backward with its gradient {sabotage} passes the check")
