"""Typical wrong answers to the exercise conv2d_gradients."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "dL/dx[0, 0, 0, 1] is 50 but must be 57")
def assigns_where_windows_overlap(grad, x, weight, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    for v in reversed(range(weight.shape[3])):
        for u in reversed(range(weight.shape[2])):
            h = slice(u, u + stride * (grad.shape[2] - 1) + 1, stride)
            w = slice(v, v + stride * (grad.shape[3] - 1) + 1, stride)
            grad_weight[:, :, u, v] = np.einsum("noij,ncij->oc", grad, padded[:, :, h, w])
            grad_padded[:, :, h, w] = np.einsum("noij,oc->ncij", grad, weight[:, :, u, v])
    height, width = x.shape[2:]
    grad_x = grad_padded[:, :, padding : padding + height, padding : padding + width]
    return grad_x, grad_weight, grad.sum(axis=(0, 2, 3))


@mistake("small case 3", "dL/dx has the shape (1, 1, 3, 6) but must have (1, 1, 1, 4)")
def keeps_the_padding(grad, x, weight, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    for u, v in np.ndindex(weight.shape[2:]):
        h = slice(u, u + stride * (grad.shape[2] - 1) + 1, stride)
        w = slice(v, v + stride * (grad.shape[3] - 1) + 1, stride)
        grad_weight[:, :, u, v] = np.einsum("noij,ncij->oc", grad, padded[:, :, h, w])
        grad_padded[:, :, h, w] += np.einsum("noij,oc->ncij", grad, weight[:, :, u, v])
    return grad_padded, grad_weight, grad.sum(axis=(0, 2, 3))


@mistake("small case 1", "dL/dx[0, 0, 0, 0] is 7 but must be 5")
def flipped_kernel(grad, x, weight, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    for u, v in np.ndindex(weight.shape[2:]):
        h = slice(u, u + stride * (grad.shape[2] - 1) + 1, stride)
        w = slice(v, v + stride * (grad.shape[3] - 1) + 1, stride)
        grad_weight[:, :, u, v] = np.einsum("noij,ncij->oc", grad, padded[:, :, h, w])
        grad_padded[:, :, h, w] += np.einsum("noij,oc->ncij", grad, weight[:, :, -1 - u, -1 - v])
    height, width = x.shape[2:]
    grad_x = grad_padded[:, :, padding : padding + height, padding : padding + width]
    return grad_x, grad_weight, grad.sum(axis=(0, 2, 3))


@mistake("small case 1", "dL/dbias has the shape () but must have (1,)")
def sums_the_bias_over_everything(grad, x, weight, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    for u, v in np.ndindex(weight.shape[2:]):
        h = slice(u, u + stride * (grad.shape[2] - 1) + 1, stride)
        w = slice(v, v + stride * (grad.shape[3] - 1) + 1, stride)
        grad_weight[:, :, u, v] = np.einsum("noij,ncij->oc", grad, padded[:, :, h, w])
        grad_padded[:, :, h, w] += np.einsum("noij,oc->ncij", grad, weight[:, :, u, v])
    height, width = x.shape[2:]
    grad_x = grad_padded[:, :, padding : padding + height, padding : padding + width]
    return grad_x, grad_weight, grad.sum()


@mistake("small case 4", "dL/dweight[0, 0, 0, 0] is", "all are 0.5 times")
def takes_the_mean_over_the_images(grad, x, weight, stride, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    grad_padded, grad_weight = np.zeros_like(padded), np.zeros_like(weight)
    for u, v in np.ndindex(weight.shape[2:]):
        h = slice(u, u + stride * (grad.shape[2] - 1) + 1, stride)
        w = slice(v, v + stride * (grad.shape[3] - 1) + 1, stride)
        grad_weight[:, :, u, v] = np.einsum("noij,ncij->oc", grad, padded[:, :, h, w]) / len(x)
        grad_padded[:, :, h, w] += np.einsum("noij,oc->ncij", grad, weight[:, :, u, v])
    height, width = x.shape[2:]
    grad_x = grad_padded[:, :, padding : padding + height, padding : padding + width]
    return grad_x, grad_weight, grad.sum(axis=(0, 2, 3))


@mistake("must return a tuple of 3: dL/dx, dL/dweight, dL/dbias", "a tuple of 2")
def forgets_the_bias(grad, x, weight, stride, padding):
    return np.zeros_like(x), np.zeros_like(weight)
