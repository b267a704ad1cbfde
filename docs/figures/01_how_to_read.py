"""The backward walk through five operations, and how many digits of a slope a check can trust."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from sheet import SMALL, TEXT, Sheet, paler

from minicv import Tensor
from minicv import functional as F
from minicv.inspection import draw_curves
from minicv.inspection.palette import BLUE, GREY, INK, VERMILLION

STEM = Path(__file__).stem
Y = 250  # of the chain of operations
BOX = (128, 76)  # of an operation
PITCH = 222  # from one operation to the next


def draw(out: Path) -> None:
    draw_walk().save(out / f"{STEM}_walk.png")
    draw_digits().save(out / f"{STEM}_digits.png")


# --- the walk --------------------------------------------------------------------------------


def walk(loss: Tensor) -> dict[int, np.ndarray]:
    """The gradient at every tensor behind ``loss``, by its id: the walk, keeping all it meets."""
    arrived = {id(loss): np.ones_like(loss.data)}
    tensor = loss
    while tensor.creator is not None:  # a chain: each operation has one input that was computed
        inputs = tensor.creator.inputs
        for each, gradient in tensor.creator.input_gradients(arrived[id(tensor)]):
            arrived[id(each)] = arrived.get(id(each), 0) + gradient
        tensor = next((each for each in inputs if each.creator is not None), inputs[0])
    return arrived


def draw_walk() -> Sheet:
    w, x, b = (Tensor(np.array(v), requires_grad=True) for v in (2.0, 3.0, -1.0))
    t = Tensor(np.array(4.0))
    product = w * x
    shifted = product + b
    active = F.relu(shifted)
    error = active - t
    loss = error * error
    chain = [product, shifted, active, error, loss]
    gradients = walk(loss)
    loss.backward()
    assert all(leaf.grad == gradients[id(leaf)] for leaf in (w, x, b))

    sheet = Sheet(500)
    sheet.write(36, 24, "forward: the value of each tensor", TEXT, BLUE)
    sheet.write(36, 62, "backward: dL / d(that tensor)", TEXT, VERMILLION)
    centres = [310 + PITCH * number for number in range(5)]

    def label(tensor: Tensor, x: float, y: float) -> None:
        sheet.canvas.text((x, y - 10), f"{float(tensor.data):g}", 32, BLUE, "mb")
        if id(tensor) in gradients:
            sheet.canvas.text(
                (x, y + 12), f"{float(gradients[id(tensor)]):g}", 32, VERMILLION, "mt"
            )
        else:
            sheet.canvas.text((x, y + 12), "constant", SMALL, GREY, "mt")

    for name, leaf, y in (("w", w, Y - 62), ("x", x, Y + 62)):
        sheet.canvas.text((52, y), name, 34, INK, "mm")
        sheet.arrow((76, y), (190, y), (centres[0] - BOX[0] / 2 - 4, Y + (y - Y) * 0.3), head=14)
        label(leaf, 130, y)
    for name, leaf, centre in (("b", b, centres[1]), ("t", t, centres[3])):
        sheet.canvas.text((centre, 470), name, 34, INK, "mm")
        sheet.arrow((centre, 442), (centre, Y + BOX[1] / 2 + 4), head=14)
        label(leaf, centre + 70, 372)
    for tensor, centre in zip(chain, centres, strict=True):
        left, right = centre - BOX[0] / 2, centre + BOX[0] / 2
        box = (left, Y - BOX[1] / 2, right, Y + BOX[1] / 2)
        sheet.block(box, tensor.creator.name if tensor.creator else "", paler(BLUE, 0.78), SMALL)
        end = right + PITCH - BOX[0] - 4
        sheet.arrow((right + 2, Y), (end, Y), head=14)
        label(tensor, (right + end) / 2 - 4, Y)
    sheet.canvas.text((centres[4] + BOX[0] / 2 + 112, Y), "L", 34, INK, "mm")
    return sheet


# --- digits of a slope -----------------------------------------------------------------------


def draw_digits() -> Image.Image:
    """How many digits of a numerical slope are right, over the step h that it is found with."""
    at, powers = 0.3, np.arange(-15, 0)
    x = Tensor(np.array(at), requires_grad=True)
    _of(x).backward()
    exact = float(x.grad)
    right: dict[str, tuple] = {}
    for name, slope in {
        "central difference": lambda h: (_value(at + h) - _value(at - h)).real / (2 * h),
        "one-sided difference": lambda h: (_value(at + h) - _value(at)).real / h,
        "complex step": lambda h: _value(at + 1j * h).imag / h,
    }.items():
        errors = [abs(slope(10.0 ** float(power)) / exact - 1) for power in powers]
        right[name] = (powers, [-np.log10(max(error, 1e-16)) for error in errors])
    names = {float(power): f"1e{power}" for power in range(-15, 0, 2)}
    return draw_curves(
        {"Right digits of the slope of tanh(exp x)": right}, "step h", (720, 430), names
    )


def _of(x: Tensor) -> Tensor:
    return F.tanh(F.exp(x))


def _value(x: complex) -> complex:
    return complex(_of(Tensor(np.array(x))).data)
