"""PyTorch's side, as its users write it: eager, (N, C, H, W), inference mode to infer.

On the CPU, unless ``device`` says otherwise.
"""

from __future__ import annotations

import os

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks import inputs, networks
from benchmarks.starting import Start
from benchmarks.torch_faster_rcnn import FasterRCNN
from benchmarks.torch_networks.training import dcgan_step, training_step  # noqa: F401

VERSION = torch.__version__
device = "cpu"
if "OMP_NUM_THREADS" in os.environ:
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def to_numpy(result):
    return result.detach().cpu().numpy() if isinstance(result, torch.Tensor) else np.asarray(result)


def put(array):
    """On the device."""
    return torch.from_numpy(array).to(device)


def tensor(name, shape, dtype):
    return put(inputs.normal(name, tuple(shape), dtype))


def conv2d_forward(dtype, x, weight, stride, padding):
    x, bias = tensor("x", x, dtype), tensor("b", weight[:1], dtype)
    weight = put(inputs.weight("w", tuple(weight), dtype))

    def step():
        with torch.inference_mode():
            return [F.conv2d(x, weight, bias, stride, padding)]

    return step


def conv2d_gradients(dtype, x, weight, stride, padding):
    return _with_gradients(F.conv2d, dtype, x, weight, stride, padding, out=0)


def conv_transpose2d_gradients(dtype, x, weight, stride, padding):
    return _with_gradients(F.conv_transpose2d, dtype, x, weight, stride, padding, out=1)


def _with_gradients(operation, dtype, x, weight, stride, padding, out):
    x = tensor("x", x, dtype).requires_grad_()
    bias = tensor("b", (weight[out],), dtype).requires_grad_()
    weight = put(inputs.weight("w", tuple(weight), dtype))
    with torch.no_grad():
        grad = tensor("g", operation(x, weight, bias, stride, padding).shape, dtype)

    def step():
        x.grad = bias.grad = None
        kernel = weight.clone().requires_grad_()
        y = operation(x, kernel, bias, stride, padding)
        y.backward(grad)
        return [y, x.grad, kernel.grad, bias.grad]

    return step


def max_pool_and_unpool(dtype, x):
    grad = tensor("g", x, dtype)

    def operation(x):
        pooled, indices = F.max_pool2d(x, 2, return_indices=True)
        return F.max_unpool2d(pooled, indices, 2)

    return forward_and_backward(operation, tensor("x", x, dtype), grad)


def resize_bilinear(dtype, x, size):
    def operation(x):
        return F.interpolate(x, tuple(size), mode="bilinear", align_corners=False)

    grad = tensor("g", (*x[:2], *size), dtype)
    return forward_and_backward(operation, tensor("x", x, dtype), grad)


def forward_and_backward(operation, x, grad):
    x.requires_grad_()

    def step():
        x.grad = None
        y = operation(x)
        y.backward(grad)
        return [y, x.grad]

    return step


def network(dtype, name, x):
    run = getattr(networks, name)
    x, kept = tensor("x", x, dtype), {}

    def weight(key, shape):
        if key not in kept:
            kept[key] = put(inputs.weight(key, shape, dtype))
        return kept[key]

    def shape_alone(key, shape):
        weight(key, shape)
        return torch.empty(shape, device="meta")

    # Once without numbers, so that all weights are there before the first call is timed or weighed.
    run(_Operations, shape_alone, torch.empty(x.shape, device="meta"))

    def step():
        with torch.inference_mode():
            return [run(_Operations, weight, x)]

    return step


class _Operations:
    """What `benchmarks.networks` is written in."""

    relu, relu6, linear = F.relu, F.relu6, F.linear

    @staticmethod
    def conv(x, weight, bias, stride, padding, groups):
        return F.conv2d(x, weight, bias, stride, padding, 1, groups)

    @staticmethod
    def batch_norm(x, weight, bias, mean, var, eps):
        return F.batch_norm(x, mean, var, weight, bias, False, 0.0, eps)

    @staticmethod
    def max_pool(x, kernel, stride, padding):
        return F.max_pool2d(x, kernel, stride, padding)

    @staticmethod
    def pad(x, before, after):
        return F.pad(x, (before, after, before, after))

    @staticmethod
    def global_mean(x):
        return x.mean((2, 3))

    @staticmethod
    def flatten(x):
        return x.flatten(1)


def faster_rcnn_step(dtype, batch, size, classes, settings):
    model = FasterRCNN(classes, settings)
    model.load_state_dict(
        {
            name: torch.from_numpy(inputs.weight(name, tuple(array.shape))).to(array.dtype)
            for name, array in model.state_dict().items()
        }
    )
    model.to(device).train()
    images, targets = inputs.scenes(batch, size, classes)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)
    rng = np.random.default_rng(0)

    def step():
        losses = model.loss(images, targets, rng)
        optimizer.zero_grad()
        sum(losses).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        # Together, and not read: a training step need not wait for its losses.
        return [torch.stack([loss.detach() for loss in losses])]

    return step


def start(dtype, what):
    return Start("import torch")


def tanh_chain(dtype, length, shape, backward):
    def chain(x):
        y = x
        for _ in range(length):
            y = (y * 1.01 + 0.01).tanh()
        return y

    x = tensor("x", shape, dtype)
    if backward:
        return forward_and_backward(chain, x, torch.ones_like(x))

    def step():
        with torch.no_grad():
            return [chain(x)]

    return step


def tanh_chain_of(dtype, operations, shape):
    return tanh_chain(dtype, operations // 3, shape, backward=True)


def mlp_step(dtype, batch, widths):
    x = tensor("x", (batch, widths[0]), dtype)
    labels = put(np.arange(batch) % widths[-1])
    layers = [
        [put(array).requires_grad_() for array in pair] for pair in inputs.layers(widths, dtype)
    ]
    optimizer = torch.optim.SGD([p for pair in layers for p in pair], lr=0.01, momentum=0.9)

    def step():
        y = x
        for index, (weight, bias) in enumerate(layers):
            y = F.linear(F.relu(y) if index else y, weight, bias)
        loss = F.cross_entropy(y, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return [loss]

    return step
