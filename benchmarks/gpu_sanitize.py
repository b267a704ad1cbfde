"""One launch of each family of kernels, small, for compute-sanitizer, which slows a GPU down a lot.

    compute-sanitizer --tool memcheck python -m benchmarks.gpu_sanitize
    compute-sanitizer --tool racecheck python -m benchmarks.gpu_sanitize

Arrays come straight from CUDA here, not from CuPy's pool, so that a read beside one is seen.
"""

from __future__ import annotations

import importlib
import sys

import numpy as np

from minicv.backend import cuda, gpu_status, matmul_precision, use_conv_algorithm

PLAIN = ((1, 1), (1, 1), (1, 1), 1)  # stride, padding, dilation, groups of a 3x3 kernel


def main() -> int:
    """Launch them all; 3 where there is no GPU."""
    usable, reason = gpu_status()
    if not usable:
        print(f"there is no usable CUDA device: {reason}")
        return 3
    cupy = importlib.import_module("cupy")
    cupy.cuda.set_allocator(None)
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> object:
        return cupy.asarray(rng.random(shape, dtype=np.float32))

    x, weight = draw(2, 40, 29, 31), draw(70, 40, 3, 3)
    for precision in ("float32", "tf32"):
        for algorithm in ("implicit_gemm", "implicit_gemm_tf32", "im2col", "winograd_2x2"):
            with matmul_precision(precision), use_conv_algorithm(algorithm):
                y = cuda.conv2d_forward(x, weight, None, *PLAIN)
                cuda.conv2d_grad_input(y, weight, x.shape, *PLAIN)
                cuda.conv2d_grad_weight(y, x, weight.shape, *PLAIN)
    y, kept, mean, _, deviation = cuda.batch_norm_forward(x, None, None, 1e-5, True)
    cuda.batch_norm_backward(x, kept, y, None, mean, deviation, True)
    corner, side = rng.random((2, 500, 2), dtype=np.float32) * 20
    boxes = cupy.asarray(np.concatenate([corner, corner + side], axis=1))
    cuda.nms(boxes, draw(500), 0.5)
    images = cupy.zeros(500, np.int64)
    cuda.roi_align(x, boxes, images, (7, 7), 0.5, 2, True)
    cuda.roi_pool(x, boxes, images, (7, 7), 0.5)
    cuda.dropout_forward(x, 0.5, rng)
    cupy.cuda.get_current_stream().synchronize()
    print("every family of kernels was launched")
    return 0


if __name__ == "__main__":
    sys.exit(main())
