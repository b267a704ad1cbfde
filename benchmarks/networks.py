"""VGG-16, ResNet-50 and EfficientNet-Lite0 at inference, written once for every peer.

``ops`` is what a peer calls its layers (``_Operations`` in its file in benchmarks/libraries/):
``conv``, ``batch_norm``, ``relu``, ``relu6``, ``max_pool``, ``pad``, ``global_mean``, ``linear``,
``flatten``. ``weight(name, shape)`` gives an entry of the state_dict; names and shapes are those of
`minicv.models.backbones`, so that both sides compute the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Weight = Callable[[str, tuple[int, ...]], Any]

VGG_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def vgg16_convolutions(ops: Any, weight: Weight, x: Any) -> Any:
    """(N, 3, H, W) -> (N, 512, H/16, W/16)."""
    index, channels = 0, 3
    for group, widths in enumerate(VGG_WIDTHS):
        if group > 0:
            x = ops.max_pool(x, 2, 2, 0)
            index += 1
        for width in widths:
            kernel = weight(f"features.{index}.weight", (width, channels, 3, 3))
            x = ops.relu(ops.conv(x, kernel, weight(f"features.{index}.bias", (width,)), 1, 1, 1))
            index, channels = index + 2, width  # a convolution and its ReLU
    return x


def vgg16(ops: Any, weight: Weight, x: Any) -> Any:
    """(N, 3, 224, 224) -> (N, 1000)."""
    x = ops.flatten(ops.max_pool(vgg16_convolutions(ops, weight, x), 2, 2, 0))
    for index, width, fan_in in ((0, 4096, 25088), (3, 4096, 4096), (6, 1000, 4096)):
        x = _linear(ops, weight, x, f"classifier.{index}", (width, fan_in))
        if index < 6:
            x = ops.relu(x)
    return x


def resnet50(ops: Any, weight: Weight, x: Any) -> Any:
    """(N, 3, H, W) -> (N, 1000)."""

    def conv_bn(x: Any, conv: str, bn: str, shape: tuple[int, ...], stride: int) -> Any:
        y = ops.conv(x, weight(f"{conv}.weight", shape), None, stride, shape[2] // 2, 1)
        return _batch_norm(ops, weight, y, bn, shape[0], 1e-5)

    x = ops.relu(conv_bn(x, "conv1", "bn1", (64, 3, 7, 7), 2))
    x = ops.max_pool(x, 3, 2, 1)
    channels = 64
    for group, depth in enumerate((3, 4, 6, 3)):
        width = 64 * 2**group
        for index in range(depth):
            block = f"layer{group + 1}.{index}"
            stride = 2 if index == 0 and group > 0 else 1
            y = ops.relu(conv_bn(x, f"{block}.conv1", f"{block}.bn1", (width, channels, 1, 1), 1))
            y = ops.relu(conv_bn(y, f"{block}.conv2", f"{block}.bn2", (width, width, 3, 3), stride))
            y = conv_bn(y, f"{block}.conv3", f"{block}.bn3", (4 * width, width, 1, 1), 1)
            if index == 0:
                shape = (4 * width, channels, 1, 1)
                down = f"{block}.downsample"
                x = conv_bn(x, f"{down}.0", f"{down}.1", shape, stride)
            x = ops.relu(x + y)
            channels = 4 * width
    return _linear(ops, weight, ops.global_mean(x), "fc", (1000, 2048))


# Kernel, stride, expansion, output channels of each block: Tan & Le 2019, Table 1.
LITE0_BLOCKS = (
    [(3, 1, 1, 16)] + [(3, 2, 6, 24), (3, 1, 6, 24)] + [(5, 2, 6, 40), (5, 1, 6, 40)]
    + [(3, 2, 6, 80)] + [(3, 1, 6, 80)] * 2 + [(5, 1, 6, 112)] * 3
    + [(5, 2, 6, 192)] + [(5, 1, 6, 192)] * 3 + [(3, 1, 6, 320)]
)  # fmt: skip


def efficientnet_lite0(ops: Any, weight: Weight, x: Any) -> Any:
    """(N, 3, H, W), H and W multiples of 32 -> (N, 1000)."""

    def conv_bn(x: Any, conv: str, bn: str, shape: tuple[int, ...], stride=1, groups=1) -> Any:
        kernel, padding = shape[2], shape[2] // 2
        if stride == 2:  # on even maps TensorFlow's "same" has the odd pixel at right and bottom
            x = ops.pad(x, (kernel - 2) // 2, (kernel - 1) // 2)
            padding = 0
        y = ops.conv(x, weight(f"{conv}.weight", shape), None, stride, padding, groups)
        return _batch_norm(ops, weight, y, bn, shape[0], 1e-3)

    x = ops.relu6(conv_bn(x, "_conv_stem", "_bn0", (32, 3, 3, 3), 2))
    channels = 32
    for index, (kernel, stride, expansion, out) in enumerate(LITE0_BLOCKS):
        block, wide = f"_blocks.{index}", channels * expansion
        y = x
        if expansion > 1:
            shape = (wide, channels, 1, 1)
            y = ops.relu6(conv_bn(y, f"{block}._expand_conv", f"{block}._bn0", shape))
        shape = (wide, 1, kernel, kernel)
        y = ops.relu6(conv_bn(y, f"{block}._depthwise_conv", f"{block}._bn1", shape, stride, wide))
        y = conv_bn(y, f"{block}._project_conv", f"{block}._bn2", (out, wide, 1, 1))
        x = x + y if stride == 1 and channels == out else y
        channels = out
    x = ops.relu6(conv_bn(x, "_conv_head", "_bn1", (1280, 320, 1, 1)))
    return _linear(ops, weight, ops.global_mean(x), "_fc", (1000, 1280))


def _linear(ops: Any, weight: Weight, x: Any, name: str, shape: tuple[int, int]) -> Any:
    return ops.linear(x, weight(f"{name}.weight", shape), weight(f"{name}.bias", shape[:1]))


def _batch_norm(ops: Any, weight: Weight, x: Any, name: str, channels: int, eps: float) -> Any:
    parts = ("weight", "bias", "running_mean", "running_var")
    return ops.batch_norm(x, *(weight(f"{name}.{part}", (channels,)) for part in parts), eps)
