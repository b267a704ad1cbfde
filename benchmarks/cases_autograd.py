"""The cost of keeping books: many operations on arrays so small that arithmetic is nothing."""

from __future__ import annotations

from benchmarks.case import Case, Wanted

CHAIN = "chain of 3,000 operations on 4x4, forward and backward, per operation"
FORWARD = "the same chain forward, nothing recorded, per operation"
PERCEPTRON = "small perceptron, one training step"
_EVERYONE = ("torch", "chainer", "hips", "mygrad")


def _chain(row: str, backward: bool) -> Case:
    parameters = {"length": 1000, "shape": (4, 4), "backward": backward}
    return Case("tanh(y * 1.01 + 0.01)", row, "tanh_chain", parameters, _EVERYONE, per=3000)


CASES = [
    _chain(CHAIN, backward=True),
    _chain(FORWARD, backward=False),
    Case("64-128-128-10, batch 32", PERCEPTRON, "mlp_step",
         {"batch": 32, "widths": (64, 128, 128, 10)}),
]  # fmt: skip
WANTED = {
    CHAIN: {"torch": Wanted(1.0), "chainer": Wanted(3.0)},
    FORWARD: {"torch": Wanted(1.0)},
    PERCEPTRON: {"torch": Wanted(1.0)},
}
