"""The CUDA kernels: the same names as `minicv.backend.cpu`.

Plain array mathematics runs on CuPy already; here is what it lacks, or does in too many passes.
"""

# ruff: noqa: F401 - what is imported here are the kernels
from minicv.backend import storage
from minicv.backend.cuda.batch_norm import batch_norm_backward, batch_norm_forward
from minicv.backend.cuda.box_coding import (
    clip_boxes,
    decode_boxes,
    decode_candidates,
    encode_boxes,
    large_boxes,
)
from minicv.backend.cuda.convolution import (
    conv2d_forward,
    conv2d_grad_input,
    conv2d_grad_weight,
    conv2d_norm_relu_forward,
)
from minicv.backend.cuda.dropout import dropout_backward, dropout_forward
from minicv.backend.cuda.erfc import erfc
from minicv.backend.cuda.graph import record
from minicv.backend.cuda.matching import match_boxes
from minicv.backend.cuda.matmul import matmul
from minicv.backend.cuda.nms import nms, nms_of_images
from minicv.backend.cuda.optimizer_step import adam_step, sgd_step
from minicv.backend.cuda.pooling import (
    max_pool2d,
    max_pool2d_backward,
    max_pool2d_indices,
    sum_pool2d,
    sum_pool2d_backward,
)
from minicv.backend.cuda.pooling_float16 import max_pool2d_maxima
from minicv.backend.cuda.resize import resize_maps
from minicv.backend.cuda.roi_align import roi_align, roi_align_backward
from minicv.backend.cuda.roi_pool import roi_pool, roi_pool_backward, roi_pool_maxima
from minicv.backend.cuda.running_statistics import fold_statistics, follow_statistics
from minicv.backend.cuda.scatter import gather_from_maps, scatter_add, scatter_to_maps
from minicv.backend.cuda.softmax_cross_entropy import (
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)

# Where a network keeps its activations in float16 (`minicv.backend.use_storage`). Products,
# convolutions and `max_pool2d_maxima` take float16 themselves.
conv2d_grad_input = storage.computed_in_float32(conv2d_grad_input)
max_pool2d = storage.computed_in_float32(max_pool2d)
sum_pool2d_backward = storage.computed_in_float32(sum_pool2d_backward)
