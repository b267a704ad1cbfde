"""1x1 convolution on CUDA: an image (C, H·W) is its own column matrix.

    y (O, H·W)  =  weight (O, C)  @  x (C, H·W)
    dL/dx       =  weightᵀ  @  dL/dy
    dL/dweight  =  Σ over images of  dL/dy  @  xᵀ

Large images take a product each, straight on their own memory: nothing is copied. A product of a
small image would be over before the next one is launched, and most of the GPU idle; there it is
cheaper to let all images stand in a row, which `convolution_im2col` does. It also picks the pixels
at a stride.

Arithmetic: N·O·C·OH·OW multiply-adds. Traffic: each array once, plus a copy of them for small
images or a stride.
"""

from __future__ import annotations

from minicv.backend.cpu.convolution_choice import Shape4
from minicv.backend.cpu.convolution_geometry import Pair
from minicv.backend.cuda import convolution_im2col as im2col
from minicv.backend.cuda.convolution_finish import Finish, finish_product
from minicv.backend.device import Array, xp_of

LARGE = 1 << 27  # multiply-adds of an image: some 5 µs, about what a launch costs
NO_PADDING, CLOSE = (0, 0), (1, 1)


def forward(
    x: Array,
    weight: Array,
    finish: Finish,
    stride: Pair,
    y_shape: Shape4,
) -> Array:
    """y[n] = weight @ x[n], picking every ``stride``-th pixel, and what follows."""
    if not _one_product_each(x.shape, y_shape):
        options = (stride, NO_PADDING, CLOSE, 1)
        return im2col.forward(x, weight, finish, *options, y_shape)
    xp, matrix = xp_of(x), weight[:, :, 0, 0]
    n, o, oh, ow = y_shape
    pixels = oh * ow
    y = xp.empty(y_shape, x.dtype)
    for i in range(n):
        product = y[i].reshape(o, pixels)  # a view
        xp.matmul(matrix, x[i].reshape(-1, pixels), out=product)
        if not finish.is_nothing:
            finish_product(product, y, slice(i * pixels, (i + 1) * pixels), finish)
    return y


def grad_input(grad: Array, weight: Array, x_shape: Shape4, stride: Pair) -> Array:
    """dL/dx[n] = weightᵀ @ dL/dy[n]; pixels that were not picked get zero."""
    if not _one_product_each(x_shape, grad.shape):
        return im2col.grad_input(grad, weight, x_shape, stride, NO_PADDING, CLOSE, 1)
    xp = xp_of(grad)
    n, o, oh, ow = grad.shape
    grad_x = xp.empty((n, x_shape[1], oh * ow), grad.dtype)
    for i in range(n):
        xp.matmul(weight[:, :, 0, 0].T, grad[i].reshape(o, oh * ow), out=grad_x[i])
    return grad_x.reshape(x_shape)


def grad_weight(grad: Array, x: Array, weight_shape: Shape4, stride: Pair) -> Array:
    """dL/dweight = Σ_n dL/dy[n] @ x[n]ᵀ."""
    if not _one_product_each(x.shape, grad.shape):
        return im2col.grad_weight(grad, x, weight_shape, stride, NO_PADDING, CLOSE, 1)
    n, o, oh, ow = grad.shape
    total = xp_of(grad).zeros(weight_shape[:2], grad.dtype)
    for i in range(n):
        total += grad[i].reshape(o, oh * ow) @ x[i].reshape(-1, oh * ow).T
    return total.reshape(weight_shape)


def _one_product_each(x_shape: Shape4, y_shape: Shape4) -> bool:
    """Whether no pixel is passed over, and an image is worth a product of its own."""
    n, o, oh, ow = y_shape
    worth_it = n == 1 or x_shape[1] * o * oh * ow >= LARGE
    return worth_it and x_shape[2:] == y_shape[2:]
