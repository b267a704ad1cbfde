r"""A dense net of stride s answers for every s-th window. Two ways to have every window's answer.

**Shift and stitch.** The windows that start at (a + s p, b + s q) are those of the image without
its first a rows and b columns, at position (p, q). So the s² shifted images together have every
window, and their results are interleaved. What the shifted images share is computed anew for each.

**À trous** ("with holes"). A layer of stride t skips the positions between; let it step by 1
instead and keep them all. What used to be neighbours, t apart, is now t positions apart: so every
later layer reaches t times as far, with holes between its taps (a dilation of t). Nothing is
computed twice, and no number of a single window's computation has changed.

Source: Giusti et al., Fast image scanning with deep max-pooling convolutional neural networks (ICIP
2013); Sermanet et al., OverFeat (ICLR 2014), section 3.3; Long et al., Fully convolutional networks
(CVPR 2015), section 3.2; holes: Holschneider et al. 1989, the algorithme à trous.
"""

from __future__ import annotations

from minicv import functional as F
from minicv.autograd import Tensor
from minicv.functional.conv2d import as_pair
from minicv.models.segmentation.convolutionalize import convolution_like, total_stride
from minicv.models.segmentation.cut import cut
from minicv.nn import Conv2d, MaxPool2d, Module, Sequential


def shift_and_stitch(dense: Sequential, x: Tensor, patch_size: int) -> Tensor:
    """The dense net's result for the window at every pixel: (N, C, H, W) -> (N, K, OH, OW).

    OH = H - P + 1, OW = W - P + 1; position (i, j) belongs to the window that starts at pixel
    (i, j).

    Args:
        dense: from `convolutionalize`.
        x: images, H and W at least P.
        patch_size: P.

    Raises:
        ValueError: an image is smaller than a patch.

    >>> import numpy as np
    >>> dense = Sequential(MaxPool2d(2))
    >>> shift_and_stitch(dense, Tensor([[[[1.0, 2.0, 4.0, 3.0], [0.0, 5.0, 0.0, 0.0]]]]), 2).data
    array([[[[5., 5., 4.]]]], dtype=float32)
    """
    stride = total_stride(dense)
    out_height, out_width = (length - patch_size + 1 for length in x.shape[2:])
    if min(out_height, out_width) < 1:
        raise ValueError(
            f"shift_and_stitch: x={x.shape} is smaller than a patch of {patch_size}; see "
            "mirror_border"
        )
    h, w = -(-out_height // stride), -(-out_width // stride)  # positions of each shifted image
    # A margin at the bottom and the right makes them alike; what it adds is cut off in the end.
    x = F.pad(x, (0, stride * w - out_width, 0, stride * h - out_height))
    height, width = ((n - 1) * stride + patch_size for n in (h, w))
    shifted = [
        dense(x[:, :, a : a + height, b : b + width]) for a in range(stride) for b in range(stride)
    ]  # each (N, K, h, w)
    n, k = shifted[0].shape[:2]
    grid = F.stack(shifted).reshape(stride, stride, n, k, h, w)  # (a, b, N, K, h, w)
    stitched = F.permute(grid, (2, 3, 4, 0, 5, 1))  # -> (N, K, h, a, w, b)
    stitched = stitched.reshape(n, k, h * stride, w * stride)  # row p s + a is that of shift a
    return cut(stitched, (out_height, out_width))


def a_trous(dense: Sequential) -> Sequential:
    """The dense net with stride 1 and holes, which gives every window's result by itself.

    (N, C, H, W) -> (N, K, H - P + 1, W - P + 1), as `shift_and_stitch`.

    Args:
        dense: from `convolutionalize`.

    Returns:
        a net with copies of the weights.

    >>> import numpy as np
    >>> layers = Sequential(MaxPool2d(2), Conv2d(1, 4, 3, rng=np.random.default_rng(0)))
    >>> print(a_trous(layers))
    Sequential(
      (0): MaxPool2d(kernel_size=2, stride=1, padding=0, dilation=(1, 1), ceil_mode=False)
      (1): Conv2d(1, 4, kernel_size=(3, 3), stride=(1, 1), dilation=(2, 2))
    )
    """
    down, across = 1, 1  # how far apart are neighbours of the dense net now
    layers: list[Module] = []
    for layer in dense:
        if isinstance(layer, (Conv2d, MaxPool2d)):
            own = as_pair("a_trous", "dilation", layer.dilation, least=1)
            stride = as_pair("a_trous", "stride", layer.stride, least=1)
            dilation = (own[0] * down, own[1] * across)
            if isinstance(layer, Conv2d):
                layer = convolution_like(layer, stride=(1, 1), dilation=dilation)
            else:
                layer = MaxPool2d(layer.kernel_size, stride=1, dilation=dilation)
            down, across = down * stride[0], across * stride[1]
        layers.append(layer)
    return Sequential(*layers)
