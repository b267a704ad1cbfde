"""1x1 convolution on CUDA: an image (C, H·W) is its own column matrix.

    y (O, H·W)  =  weight (O, C)  @  x (C, H·W)
    dL/dx       =  weightᵀ  @  dL/dy
    dL/dweight  =  Σ over images of  dL/dy  @  xᵀ

The products of all images are one launch, straight on their own memory (`strided_products`), and
the epilogue is a second one, where y is. A product of a very small image would leave most of a tile
of cuBLAS empty, and in TF32 cuBLAS wants rows that start at multiples of 16 bytes: in both cases it
is cheaper to copy all images into one matrix, which `convolution_im2col` does. It also picks the
pixels at a stride.

Arithmetic: N·O·C·OH·OW multiply-adds. Traffic: each array once, and y once more for an epilogue;
a copy of each for very small images or a stride. Workspace: N·O·C numbers for dL/dweight, the
products before they are added up; where that is more than x and dL/dy, they are copied instead.
"""

from __future__ import annotations

import math

from minicv.backend.convolution_layer import NO_EPILOGUE, Epilogue, Layer
from minicv.backend.cuda import convolution_im2col as im2col
from minicv.backend.cuda.convolution_epilogue import apply_epilogue
from minicv.backend.cuda.strided_products import strided_products
from minicv.backend.device import Array, xp_of
from minicv.backend.precision import current_matmul_precision

TILE = 64  # columns that cuBLAS computes together, needed or not
MOST_WASTE = 1.5  # computed for each that is needed; a copy takes about that much longer


def forward(layer: Layer, x: Array, weight: Array, epilogue: Epilogue = NO_EPILOGUE) -> Array:
    """y[n] = weight @ x[n], picking every ``stride``-th pixel, and the epilogue."""
    if not takes_images_as_they_are(layer):
        return im2col.forward(_close(layer), x, weight, epilogue)
    y = xp_of(x).empty(layer.y_shape, x.dtype)
    strided_products(weight[:, :, 0, 0], _matrices(x), _matrices(y))
    apply_epilogue(y, epilogue)
    return y


def grad_input(layer: Layer, grad: Array, weight: Array) -> Array:
    """dL/dx[n] = weightᵀ @ dL/dy[n]; pixels that were not picked get zero."""
    if not takes_images_as_they_are(layer):
        return im2col.grad_input(_close(layer), grad, weight)
    grad_x = xp_of(grad).empty(layer.x_shape, grad.dtype)
    strided_products(weight[:, :, 0, 0].T, _matrices(grad), _matrices(grad_x))
    return grad_x


def grad_weight(layer: Layer, grad: Array, x: Array) -> Array:
    """dL/dweight = Σ_n dL/dy[n] @ x[n]ᵀ."""
    n, o, oh, ow = layer.y_shape
    c = layer.x_shape[1]
    if not takes_images_as_they_are(layer) or (n > 1 and o * c > (o + c) * oh * ow):
        return im2col.grad_weight(_close(layer), grad, x)
    products = xp_of(grad).empty((n, o, c), grad.dtype)
    strided_products(_matrices(grad), _matrices(x).swapaxes(1, 2), products)
    total = products[0] if n == 1 else products.sum(axis=0)
    return total.reshape(layer.weight_shape)


def _matrices(images: Array) -> Array:
    """(N, C, H, W) -> (N, C, H·W), a view."""
    return images.reshape(*images.shape[:2], math.prod(images.shape[2:]))


def takes_images_as_they_are(layer: Layer) -> bool:
    """Whether no pixel is passed over, and an image is worth a product of its own."""
    n, _, oh, ow = layer.y_shape
    pixels = oh * ow
    if layer.x_shape[2:] != layer.y_shape[2:]:
        return False
    aligned = current_matmul_precision() == "float32" or pixels % 4 == 0
    return n == 1 or (aligned and math.ceil(pixels / TILE) * TILE <= MOST_WASTE * pixels)


def _close(layer: Layer) -> Layer:
    """The layer with a dilation of 1, which a kernel of one tap does not use."""
    return layer._replace(dilation=(1, 1))
