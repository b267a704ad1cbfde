"""Chainer's side: the other engine that is NumPy underneath."""

from __future__ import annotations

import chainer
import chainer.functions as F
import numpy as np

from benchmarks import inputs, networks

VERSION = chainer.__version__


def to_numpy(result):
    return result.array if isinstance(result, chainer.Variable) else np.asarray(result)


def conv2d_forward(dtype, x, weight, stride, padding):
    x, weight = inputs.normal("x", tuple(x), dtype), inputs.weight("w", tuple(weight), dtype)
    bias = inputs.normal("b", weight.shape[:1], dtype)

    def step():
        with chainer.no_backprop_mode():
            return [F.convolution_2d(x, weight, bias, stride, padding)]

    return step


def conv2d_gradients(dtype, x, weight, stride, padding):
    return _with_gradients(F.convolution_2d, dtype, x, weight, stride, padding, out=0)


def conv_transpose2d_gradients(dtype, x, weight, stride, padding):
    return _with_gradients(F.deconvolution_2d, dtype, x, weight, stride, padding, out=1)


def _with_gradients(operation, dtype, x, weight, stride, padding, out):
    x = chainer.Variable(inputs.normal("x", tuple(x), dtype))
    bias = chainer.Variable(inputs.normal("b", (weight[out],), dtype))
    weight = inputs.weight("w", tuple(weight), dtype)
    with chainer.no_backprop_mode():
        grad = inputs.normal("g", operation(x, weight, bias, stride, padding).shape, dtype)

    def step():
        x.grad = bias.grad = None
        kernel = chainer.Variable(weight.copy())
        y = operation(x, kernel, bias, stride, padding)
        y.grad = grad
        y.backward()
        return [y, x.grad, kernel.grad, bias.grad]

    return step


def max_pool_and_unpool(dtype, x):
    def operation(x):
        pooled, indices = F.max_pooling_2d(x, 2, cover_all=False, return_indices=True)
        return F.upsampling_2d(pooled, indices, 2, 2, outsize=x.shape[2:], cover_all=False)

    return _forward_and_backward(operation, dtype, x, tuple(x))


def resize_bilinear(dtype, x, size):
    def operation(x):
        return F.resize_images(x, tuple(size), align_corners=False)

    return _forward_and_backward(operation, dtype, x, (*x[:2], *size))


def roi_align(dtype, x, regions, stride):
    # Chainer's RoIAlign is the unaligned one: half a cell lies between.
    boxes = inputs.regions(regions, x, stride) - np.float32(stride / 2)
    return _of_regions(dtype, x, boxes, F.roi_average_align_2d, 1 / stride, 2)


def roi_pool(dtype, x, regions, stride):
    boxes = inputs.regions(regions, x, stride)
    rows = np.concatenate([np.zeros((regions, 1), np.float32), boxes], axis=1)
    grad_shape = (regions, x[1], 7, 7)

    def operation(x):
        return F.roi_pooling_2d(x, rows, 7, 7, 1 / stride)

    return _forward_and_backward(operation, dtype, x, grad_shape)


def _of_regions(dtype, x, boxes, operation, *options):
    boxes = np.ascontiguousarray(boxes[:, [1, 0, 3, 2]])  # y before x
    images = np.zeros(len(boxes), np.int32)

    def of_map(x):
        return operation(x, boxes, images, 7, *options)

    return _forward_and_backward(of_map, dtype, x, (len(boxes), x[1], 7, 7))


def _forward_and_backward(operation, dtype, x, grad_shape):
    x = chainer.Variable(inputs.normal("x", tuple(x), dtype))
    grad = inputs.normal("g", tuple(grad_shape), dtype)

    def step():
        x.grad = None
        y = operation(x)
        y.grad = grad
        y.backward()
        return [y, x.grad]

    return step


def network(dtype, name, x):
    run = getattr(networks, name)
    x, kept = inputs.normal("x", tuple(x), dtype), {}

    def weight(key, shape):
        if key not in kept:
            kept[key] = inputs.weight(key, shape, dtype)
        return kept[key]

    def step():
        with chainer.no_backprop_mode(), chainer.using_config("train", False):
            return [run(_Operations, weight, x)]

    return step


class _Operations:
    """What `benchmarks.networks` is written in."""

    relu, linear, batch_norm = F.relu, F.linear, F.fixed_batch_normalization

    @staticmethod
    def conv(x, weight, bias, stride, padding, groups):
        return F.convolution_2d(x, weight, bias, stride, padding, groups=groups)

    @staticmethod
    def relu6(x):
        return F.clip(x, 0.0, 6.0)

    @staticmethod
    def max_pool(x, kernel, stride, padding):
        return F.max_pooling_2d(x, kernel, stride, padding, cover_all=False)

    @staticmethod
    def pad(x, before, after):
        return F.pad(x, ((0, 0), (0, 0), (before, after), (before, after)), "constant")

    @staticmethod
    def global_mean(x):
        return F.mean(x, axis=(2, 3))

    @staticmethod
    def flatten(x):
        return F.reshape(x, (x.shape[0], -1))


def tanh_chain(dtype, length, shape, backward):
    def chain(x):
        y = x
        for _ in range(length):
            y = F.tanh(y * 1.01 + 0.01)
        return y

    if backward:
        x = chainer.Variable(inputs.normal("x", tuple(shape), dtype))
        ones = np.ones(tuple(shape), dtype)

        def step():
            x.grad = None
            y = chain(x)
            y.grad = ones
            y.backward()
            return [y, x.grad]

        return step
    start = chainer.Variable(inputs.normal("x", tuple(shape), dtype))

    def forward_step():
        with chainer.no_backprop_mode():
            return [chain(start)]

    return forward_step


def mlp_step(dtype, batch, widths):
    x = inputs.normal("x", (batch, widths[0]), dtype)
    labels = (np.arange(batch) % widths[-1]).astype(np.int32)
    model = chainer.ChainList()
    for weight, bias in inputs.layers(widths, dtype):
        model.append(chainer.links.Linear(None, len(bias), initialW=weight, initial_bias=bias))
    optimizer = chainer.optimizers.MomentumSGD(lr=0.01, momentum=0.9)
    optimizer.setup(model)

    def step():
        y = x
        for index, layer in enumerate(model):
            y = layer(F.relu(y) if index else y)
        loss = F.softmax_cross_entropy(y, labels)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return [loss]

    return step
