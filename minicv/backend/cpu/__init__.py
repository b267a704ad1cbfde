"""The CPU kernels, in NumPy, one file per family. `minicv.backend.cuda` has the same names."""

# ruff: noqa: F401 - what is imported here are the kernels
from minicv.backend import storage
from minicv.backend.cpu.batch_norm import batch_norm_backward, batch_norm_forward
from minicv.backend.cpu.box_coding import (
    clip_boxes,
    decode_boxes,
    decode_candidates,
    encode_boxes,
    large_boxes,
)
from minicv.backend.cpu.convolution import (
    conv2d_forward,
    conv2d_grad_input,
    conv2d_grad_weight,
    conv2d_norm_relu_forward,
)
from minicv.backend.cpu.dropout import dropout_backward, dropout_forward
from minicv.backend.cpu.erfc import erfc
from minicv.backend.cpu.graph import record
from minicv.backend.cpu.matching import match_boxes
from minicv.backend.cpu.matmul import matmul
from minicv.backend.cpu.nms import nms, nms_of_images
from minicv.backend.cpu.optimizer_step import adam_step, sgd_step
from minicv.backend.cpu.pooling import (
    max_pool2d,
    max_pool2d_backward,
    max_pool2d_indices,
    max_pool2d_maxima,
    sum_pool2d,
    sum_pool2d_backward,
)
from minicv.backend.cpu.resize import resize_maps
from minicv.backend.cpu.roi_align import roi_align, roi_align_backward
from minicv.backend.cpu.roi_pool import roi_pool, roi_pool_backward, roi_pool_maxima
from minicv.backend.cpu.running_statistics import fold_statistics, follow_statistics
from minicv.backend.cpu.scatter import gather_from_maps, scatter_add, scatter_to_maps
from minicv.backend.cpu.softmax_cross_entropy import (
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)

# Where a network keeps its activations in float16 (`minicv.backend.use_storage`).
conv2d_forward = storage.computed_in_float32(conv2d_forward)
conv2d_norm_relu_forward = storage.computed_in_float32(conv2d_norm_relu_forward)
conv2d_grad_input = storage.computed_in_float32(conv2d_grad_input)
matmul = storage.computed_in_float32(matmul)
max_pool2d = storage.computed_in_float32(max_pool2d)
max_pool2d_maxima = storage.computed_in_float32(max_pool2d_maxima)
sum_pool2d_backward = storage.computed_in_float32(sum_pool2d_backward)
