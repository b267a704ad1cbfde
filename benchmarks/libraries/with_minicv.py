"""minicv's side of every comparison: on the CPU, unless ``device`` says otherwise."""

from __future__ import annotations

import numpy as np

import minicv
from benchmarks import inputs
from benchmarks.minicv_training import dcgan_step, filled, training_step  # noqa: F401
from benchmarks.seeded_weights import seeded_weights
from benchmarks.starting import Start
from minicv import Tensor, backend, no_grad
from minicv import functional as F
from minicv.models.backbones import VGG16, EfficientNetLite0, ResNet50, SmallBackbone, VGG16Backbone
from minicv.models.detection import FasterRCNN, FasterRCNNSettings
from minicv.models.published import load as load_published
from minicv.optim import SGD, clip_grad_norm
from minicv.tasks.detection import FASTER_RCNN
from minicv.vision.boxes import nms as suppress
from minicv.vision.matching import Matcher

VERSION = minicv.__version__
device = "cpu"
NETWORKS = {
    "vgg16": VGG16,
    "vgg16_convolutions": VGG16Backbone,
    "resnet50": ResNet50,
    "efficientnet_lite0": EfficientNetLite0,
}


def to_numpy(result):
    return backend.to_numpy(result.data if isinstance(result, Tensor) else result)


def put(array):
    """On the device."""
    return backend.to_device(array, device)


def conv2d_forward(dtype, x, weight, stride, padding):
    x, weight = put(inputs.normal("x", x, dtype)), put(inputs.weight("w", weight, dtype))
    bias = put(inputs.normal("b", weight.shape[:1], dtype))

    def step():
        with no_grad():
            return [F.conv2d(x, weight, bias, stride, padding)]

    return step


def conv2d_gradients(dtype, x, weight, stride, padding):
    return _with_gradients(F.conv2d, dtype, x, weight, stride, padding, out=0)


def conv_transpose2d_gradients(dtype, x, weight, stride, padding):
    return _with_gradients(F.conv_transpose2d, dtype, x, weight, stride, padding, out=1)


def _with_gradients(operation, dtype, x, weight, stride, padding, out):
    x = Tensor(put(inputs.normal("x", x, dtype)), requires_grad=True)
    weight = put(inputs.weight("w", weight, dtype))
    bias = Tensor(put(inputs.normal("b", (weight.shape[out],), dtype)), requires_grad=True)
    with no_grad():
        grad = put(inputs.normal("g", operation(x, weight, bias, stride, padding).shape, dtype))

    def step():
        x.grad = bias.grad = None
        # A training step never sees the same weights twice, so neither does this.
        kernel = Tensor(weight.copy(), requires_grad=True)
        y = operation(x, kernel, bias, stride, padding)
        y.backward(grad)
        return [y, x.grad, kernel.grad, bias.grad]

    return step


def max_pool_and_unpool(dtype, x):
    x = Tensor(put(inputs.normal("x", x, dtype)), requires_grad=True)
    grad = put(inputs.normal("g", x.shape, dtype))

    def step():
        x.grad = None
        pooled, indices = F.max_pool2d(x, 2, return_indices=True)
        y = F.max_unpool2d(pooled, indices, 2)
        y.backward(grad)
        return [y, x.grad]

    return step


def resize_bilinear(dtype, x, size):
    x = Tensor(put(inputs.normal("x", x, dtype)), requires_grad=True)
    grad = put(inputs.normal("g", (*x.shape[:2], *size), dtype))

    def step():
        x.grad = None
        y = F.resize_bilinear(x, tuple(size))
        y.backward(grad)
        return [y, x.grad]

    return step


def roi_align(dtype, x, regions, stride):
    return _of_regions(dtype, x, regions, stride, lambda *a: F.roi_align(*a, sampling_ratio=2))


def roi_pool(dtype, x, regions, stride):
    return _of_regions(dtype, x, regions, stride, F.roi_pool)


def _of_regions(dtype, x, regions, stride, operation):
    x = Tensor(put(inputs.normal("x", x, dtype)), requires_grad=True)
    boxes = put(inputs.regions(regions, x.shape, stride))
    images = put(np.zeros(regions, dtype=np.int64))
    grad = put(inputs.normal("g", (regions, x.shape[1], 7, 7), dtype))

    def step():
        x.grad = None
        y = operation(x, boxes, images, 7, 1 / stride)
        y.backward(grad)
        return [y, x.grad]

    return step


def nms(dtype, count, image, iou_threshold):
    boxes, scores = map(put, inputs.crowded_boxes(count, image))
    return lambda: [suppress(boxes, scores, iou_threshold)]


def matching(dtype, anchors, objects, image):
    boxes = put(inputs.boxes("anchors", anchors, image, 16.0, 300.0))
    true = put(inputs.boxes("objects", objects, image, 30.0, 200.0))
    matcher = Matcher(0.7, 0.3, allow_low_quality_matches=True)

    def step():
        matches = matcher(true, boxes)
        return [matches.label]

    return step


def network(dtype, name, x):
    model = filled(NETWORKS[name](rng=np.random.default_rng(0)), dtype).to(device).eval()
    x = Tensor(put(inputs.normal("x", x, dtype)))

    def step():
        with no_grad():
            y = model(x)
        return [*y] if isinstance(y, tuple) else [y]  # a backbone gives its maps as a tuple

    return step


def faster_rcnn_step(dtype, batch, size, classes, settings):
    names = [f"class {k}" for k in range(classes)]
    rng = np.random.default_rng(0)
    chosen = FasterRCNNSettings(**settings) if settings else FASTER_RCNN["small"]  # the demo's
    model = FasterRCNN(SmallBackbone(rng=rng), names, chosen, rng=rng)
    filled(model, dtype).to(device).train()
    images, targets = inputs.scenes(batch, size, classes)
    optimizer = SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)
    rng = np.random.default_rng(0)

    def step():
        losses = model.loss(images, targets, rng)
        optimizer.zero_grad()
        sum(losses.values(), start=0.0).backward()
        clip_grad_norm(model.parameters(), 10.0)
        optimizer.step()
        # Together, and not read: a training step need not wait for its losses.
        values = [loss.data for loss in losses.values()]
        return [backend.xp_of(*values).stack(values)]

    return step


def published_detector(dtype, network, size):
    model = load_published(network, seeded_weights(network))
    image = inputs.picture(tuple(size))

    def step():
        (found,) = model.predict([image])
        return [found["scores"][:50]]  # of nearly equal scores either box may come first

    return step


def published_segmenter(dtype, size):
    model = load_published("fcn_resnet50", seeded_weights("fcn_resnet50"))
    image = inputs.picture(tuple(size))
    return lambda: [model.predict([image])[0]["probabilities"]]


def start(dtype, what):
    lines = {"import": "import minicv",
             "help": "from minicv.cli.main import main; sys.exit(main(['--help']))"}  # fmt: skip
    return Start(lines[what])


def tanh_chain(dtype, length, shape, backward):
    x = Tensor(put(inputs.normal("x", shape, dtype)), requires_grad=True)
    grad = put(np.ones(shape, dtype))

    def chain():
        y = x
        for _ in range(length):
            y = (y * 1.01 + 0.01).tanh()
        return y

    def forward_step():
        with no_grad():
            return [chain()]

    def step():
        x.grad = None
        y = chain()
        y.backward(grad)
        return [y, x.grad]

    return step if backward else forward_step


def tanh_chain_of(dtype, operations, shape):
    return tanh_chain(dtype, operations // 3, shape, backward=True)


def mlp_step(dtype, batch, widths):
    x = Tensor(put(inputs.normal("x", (batch, widths[0]), dtype)))
    labels = put(np.arange(batch) % widths[-1])
    layers = [
        [Tensor(put(array), requires_grad=True) for array in pair]
        for pair in inputs.layers(widths, dtype)
    ]
    optimizer = SGD([p for pair in layers for p in pair], lr=0.01, momentum=0.9)

    def step():
        y = x
        for index, (weight, bias) in enumerate(layers):
            y = F.linear(F.relu(y) if index else y, weight, bias)
        loss = F.softmax_cross_entropy(y, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return [loss]

    return step
