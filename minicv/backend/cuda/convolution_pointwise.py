"""1x1 convolution on CUDA: an image (C, H·W) is its own column matrix.

    y (O, H·W)  =  weight (O, C)  @  x (C, H·W)
    dL/dx       =  weightᵀ  @  dL/dy
    dL/dweight  =  Σ over images of  dL/dy  @  xᵀ

Large images take a product each, straight on their own memory: nothing is copied. A product of a
small image would end before the next one is launched, and would leave most of the GPU idle; there
it is cheaper to copy all images into one matrix, which `convolution_im2col` does. It also picks the
pixels at a stride.

Arithmetic: N·O·C·OH·OW multiply-adds. Traffic: each array once, plus a copy of each for small
images or a stride.
"""

from __future__ import annotations

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer
from minicv.backend.cuda import convolution_im2col as im2col
from minicv.backend.cuda.convolution_epilogue import write_images
from minicv.backend.device import Array, xp_of

LARGE = 1 << 27  # multiply-adds of an image: some 5 µs, about what a launch costs


def forward(layer: Layer, x: Array, weight: Array, epilogue: Epilogue = NO_EPILOGUE) -> Array:
    """y[n] = weight @ x[n], picking every ``stride``-th pixel, and the epilogue."""
    if not _one_product_each(layer):
        return im2col.forward(_close(layer), x, weight, epilogue)
    xp, matrix = xp_of(x), weight[:, :, 0, 0]
    n, o, oh, ow = layer.y_shape
    pixels = oh * ow
    y = xp.empty(layer.y_shape, x.dtype)
    for i in range(n):
        product = y[i].reshape(o, pixels)  # a view
        xp.matmul(matrix, x[i].reshape(-1, pixels), out=product)
        if not epilogue.is_empty:
            write_images(product, y, slice(i * pixels, (i + 1) * pixels), epilogue)
    return y


def grad_input(layer: Layer, grad: Array, weight: Array) -> Array:
    """dL/dx[n] = weightᵀ @ dL/dy[n]; pixels that were not picked get zero."""
    if not _one_product_each(layer):
        return im2col.grad_input(_close(layer), grad, weight)
    xp = xp_of(grad)
    n, o, oh, ow = grad.shape
    grad_x = xp.empty((n, layer.x_shape[1], oh * ow), grad.dtype)
    for i in range(n):
        xp.matmul(weight[:, :, 0, 0].T, grad[i].reshape(o, oh * ow), out=grad_x[i])
    return grad_x.reshape(layer.x_shape)


def grad_weight(layer: Layer, grad: Array, x: Array) -> Array:
    """dL/dweight = Σ_n dL/dy[n] @ x[n]ᵀ."""
    if not _one_product_each(layer):
        return im2col.grad_weight(_close(layer), grad, x)
    n, o, oh, ow = grad.shape
    total = xp_of(grad).zeros(layer.weight_shape[:2], grad.dtype)
    for i in range(n):
        total += grad[i].reshape(o, oh * ow) @ x[i].reshape(-1, oh * ow).T
    return total.reshape(layer.weight_shape)


def _close(layer: Layer) -> Layer:
    """The layer with a dilation of 1, which a kernel of one tap does not use."""
    return layer._replace(dilation=(1, 1))


def _one_product_each(layer: Layer) -> bool:
    """Whether no pixel is passed over, and an image is worth a product of its own."""
    n, o, oh, ow = layer.y_shape
    worth_it = n == 1 or layer.x_shape[1] * o * oh * ow >= LARGE
    return worth_it and layer.x_shape[2:] == layer.y_shape[2:]
