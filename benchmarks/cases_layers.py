"""The other layers with kernels of their own: upsampling, pooling, regions, suppression."""

from __future__ import annotations

from benchmarks.case import Case, Wanted

UPSAMPLING = "upsampling and pooling, forward and backward"
REGIONS = "512 regions x 256 channels x 7x7, forward and backward"
SUPPRESSION = "non-maximum suppression"


def _transposed(name: str, x: tuple, weight: tuple, stride: int, padding: int) -> Case:
    parameters = {"x": x, "weight": weight, "stride": stride, "padding": padding}
    return Case(name, UPSAMPLING, "conv_transpose2d_gradients", parameters)


# A map of a 600x800 image at stride 16, and the regions of one image.
_ON_REGIONS = {"x": (1, 256, 38, 50), "regions": 512, "stride": 16}

CASES = [
    # A generator's step from 16x16 to 32x32 (DCGAN), an FCN's to the next skip, and its last.
    _transposed("conv_transpose2d 4x4, stride 2, 8x256x16x16 -> 128",
                (8, 256, 16, 16), (256, 128, 4, 4), 2, 1),
    _transposed("conv_transpose2d 4x4, stride 2, 1x21x64x64 -> 21",
                (1, 21, 64, 64), (21, 21, 4, 4), 2, 1),
    _transposed("conv_transpose2d 64x64, stride 32, 1x21x16x16 -> 21",
                (1, 21, 16, 16), (21, 21, 64, 64), 32, 16),
    Case("max_pool2d + max_unpool2d 2x2, 8x64x112x112", UPSAMPLING, "max_pool_and_unpool",
         {"x": (8, 64, 112, 112)}),
    Case("resize_bilinear 4x64x56x56 -> 112x112", UPSAMPLING, "resize_bilinear",
         {"x": (4, 64, 56, 56), "size": (112, 112)}),
    Case("resize_bilinear 1x21x64x64 -> 512x512", UPSAMPLING, "resize_bilinear",
         {"x": (1, 21, 64, 64), "size": (512, 512)}),
    Case("roi_align, 2x2 samples a bin", REGIONS, "roi_align", _ON_REGIONS,
         peers=("torchvision", "chainer")),
    Case("roi_pool", REGIONS, "roi_pool", _ON_REGIONS, peers=("torchvision", "chainer")),
    Case("nms of 2,000 boxes, IoU 0.7", SUPPRESSION, "nms",
         {"count": 2000, "image": (600, 800), "iou_threshold": 0.7}, peers=("torchvision",)),
]  # fmt: skip
WANTED = {
    UPSAMPLING: {"torch": Wanted(1.0, least=1.0), "chainer": Wanted(2.0, least=2.0)},
    REGIONS: {"torchvision": Wanted(1.0, least=1.0), "chainer": Wanted(20.0, least=20.0)},
    SUPPRESSION: {"torchvision": Wanted(1.0)},
}
