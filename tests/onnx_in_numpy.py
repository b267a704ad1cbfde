"""The ONNX operators that minicv exports, in NumPy, from ONNX's own description of them.

With these a test runs an exported graph and compares it with the model, without onnx. Written for
clarity: windows and taps are loops.
"""

import numpy as np
from scipy.special import erf


def run(graph, image):
    """The outputs of a `minicv.export.Graph` by name."""
    values = {"": None, "image": image, **graph.constants}
    for node in graph.nodes:
        inputs = [values[name] for name in node.inputs]
        made = OPERATORS[node.operator](*inputs, **node.attributes)
        made = made if isinstance(made, tuple) else (made,)
        for name, array in zip(node.outputs, made, strict=False):
            assert name not in values, f"{name} is made twice"
            values[name] = np.asarray(array)
    return {name: values[name] for name in graph.outputs}


def _padded(x, pads, value):
    top, left, bottom, right = pads
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value)


def conv(x, w, b=None, *, strides, pads, dilations, group):
    x = _padded(x, pads, 0)
    kernel = w.shape[2:]
    size = [(x.shape[2 + a] - dilations[a] * (kernel[a] - 1) - 1) // strides[a] + 1 for a in (0, 1)]
    y = np.zeros((len(x), w.shape[0], *size), x.dtype)
    ins, outs = x.shape[1] // group, w.shape[0] // group
    for g in range(group):
        own = x[:, g * ins : (g + 1) * ins]
        weights = w[g * outs : (g + 1) * outs]
        for u, v in np.ndindex(*kernel):
            rows = slice(u * dilations[0], u * dilations[0] + (size[0] - 1) * strides[0] + 1)
            columns = slice(v * dilations[1], v * dilations[1] + (size[1] - 1) * strides[1] + 1)
            tap = own[:, :, rows, columns][:, :, :: strides[0], :: strides[1]]
            y[:, g * outs : (g + 1) * outs] += np.einsum("nchw,oc->nohw", tap, weights[:, :, u, v])
    return y if b is None else y + b[:, None, None]


def conv_transpose(
    x, w, b=None, *, strides, pads=(0, 0, 0, 0), dilations=(1, 1), group=1, output_padding=(0, 0)
):
    ins, outs, kernel = w.shape[0] // group, w.shape[1], w.shape[2:]
    whole = [
        (x.shape[2 + a] - 1) * strides[a] + dilations[a] * (kernel[a] - 1) + 1 + output_padding[a]
        for a in (0, 1)
    ]
    y = np.zeros((len(x), outs * group, *whole), x.dtype)
    for g in range(group):
        own, weights = x[:, g * ins : (g + 1) * ins], w[g * ins : (g + 1) * ins]
        for (i, j), (u, v) in (
            (p, t) for p in np.ndindex(*x.shape[2:]) for t in np.ndindex(*kernel)
        ):
            row, column = i * strides[0] + u * dilations[0], j * strides[1] + v * dilations[1]
            y[:, g * outs : (g + 1) * outs, row, column] += own[:, :, i, j] @ weights[:, :, u, v]
    top, left, bottom, right = pads
    y = y[:, :, top : whole[0] - bottom, left : whole[1] - right]
    return y if b is None else y + b[:, None, None]


def _starts(length, kernel, stride, begin, end, dilation, ceil_mode):
    room = length + begin + end - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    return [i * stride - begin for i in range(count)]


def _windows(x, kernel_shape, strides, pads, dilations, ceil_mode):
    """For each window its rows and columns within x."""
    axes = [
        [
            [p for p in range(s, s + d * (k - 1) + 1, d) if 0 <= p < length]
            for s in _starts(length, k, stride, begin, end, d, ceil_mode)
        ]
        for length, k, stride, begin, end, d in zip(
            x.shape[2:], kernel_shape, strides, pads[:2], pads[2:], dilations, strict=True
        )
    ]
    shape = (len(axes[0]), len(axes[1]))
    return shape, {(i, j): (axes[0][i], axes[1][j]) for i, j in np.ndindex(*shape)}


def max_pool(
    x, *, kernel_shape, strides, pads=(0, 0, 0, 0), dilations=(1, 1), ceil_mode=0, storage_order=0
):
    shape, windows = _windows(x, kernel_shape, strides, pads, dilations, ceil_mode)
    y = np.empty((*x.shape[:2], *shape), x.dtype)
    places = np.empty(y.shape, np.int64)
    maps = np.arange(x.shape[0] * x.shape[1]).reshape(x.shape[:2]) * x.shape[2] * x.shape[3]
    for (i, j), (rows, columns) in windows.items():
        window = x[:, :, rows][:, :, :, columns].reshape(*x.shape[:2], -1)
        best = window.argmax(axis=2)
        y[:, :, i, j] = window.max(axis=2)
        row, column = np.array(rows)[best // len(columns)], np.array(columns)[best % len(columns)]
        places[:, :, i, j] = maps + row * x.shape[3] + column
    return y, places


def average_pool(x, *, kernel_shape, strides, pads=(0, 0, 0, 0), count_include_pad=0):
    shape, windows = _windows(x, kernel_shape, strides, pads, (1, 1), 0)
    y = np.empty((*x.shape[:2], *shape), x.dtype)
    for (i, j), (rows, columns) in windows.items():
        total = x[:, :, rows][:, :, :, columns].sum(axis=(2, 3))
        all_of_it = count_include_pad == 1
        y[:, :, i, j] = total / (np.prod(kernel_shape) if all_of_it else len(rows) * len(columns))
    return y


def resize(x, roi, scales, sizes=None, *, mode, coordinate_transformation_mode, nearest_mode=None):
    for axis in (2, 3):
        old = x.shape[axis]
        new = int(sizes[axis]) if sizes is not None else int(old * scales[axis])
        place = np.arange(new, dtype=np.float64)
        if coordinate_transformation_mode == "asymmetric":
            place = place * old / new
        elif coordinate_transformation_mode == "half_pixel":
            place = (place + 0.5) * old / new - 0.5
        else:  # align_corners
            place = place * (old - 1) / max(new - 1, 1)
        if mode == "nearest":
            assert nearest_mode == "floor"
            x = x.take(np.floor(place).astype(int), axis)
            continue
        below = np.floor(place).astype(int)
        share = (place - below).astype(x.dtype).reshape([-1 if a == axis else 1 for a in range(4)])
        low, high = (x.take(np.clip(p, 0, old - 1), axis) for p in (below, below + 1))
        x = low * (1 - share) + high * share
    return x


def scatter_elements(data, indices, updates, *, axis, reduction="none"):
    assert axis == 0 and data.ndim == 1
    result = data.copy()
    if reduction == "add":
        np.add.at(result, indices, updates)
    else:
        result[indices] = updates
    return result


def reshape(x, shape):
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(shape.tolist())])


def slices(x, starts, ends, axes=None, steps=None):
    axes = np.arange(len(starts)) if axes is None else axes
    steps = np.ones_like(starts) if steps is None else steps
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(
        *map(np.ndarray.tolist, (starts, ends, axes, steps)), strict=True
    ):
        end = None if step < 0 and end < -x.shape[axis] else end
        index[axis] = slice(start, end, step)
    return x[tuple(index)]


def pad(x, pads, value, *, mode):
    count = x.ndim
    assert mode == "constant"
    return np.pad(x, list(zip(pads[:count], pads[count:], strict=True)), constant_values=value)


def lrn(x, *, size, alpha, beta, bias):
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        first, last = max(0, c - (size - 1) // 2), min(x.shape[1] - 1, c + -(-(size - 1) // 2))
        total = (x[:, first : last + 1] ** 2).sum(axis=1)
        y[:, c] = x[:, c] / (bias + alpha / size * total) ** beta
    return y


def batch_normalization(x, scale, shift, mean, variance, *, epsilon):
    own = [a.reshape([-1] + [1] * (x.ndim - 2)) for a in (scale, shift, mean, variance)]
    return (x - own[2]) / np.sqrt(own[3] + epsilon) * own[0] + own[1]


def instance_normalization(x, scale, shift, *, epsilon):
    axes = tuple(range(2, x.ndim))
    assert axes, "(N, C) has nothing to normalise over"
    own = [a.reshape([-1] + [1] * (x.ndim - 2)) for a in (scale, shift)]
    mean, variance = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * own[0] + own[1]


def softmax(x, *, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def clip(x, low=None, high=None):
    return np.clip(x, low, high)


OPERATORS = {
    "Abs": np.abs,
    "Add": np.add,
    "AveragePool": average_pool,
    "BatchNormalization": batch_normalization,
    "Clip": clip,
    "Concat": lambda *parts, axis: np.concatenate(parts, axis),
    "ConstantOfShape": lambda shape: np.zeros(shape, np.float32),
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Div": np.divide,
    "Elu": lambda x, alpha: np.where(x < 0, alpha * (np.exp(x) - 1), x),
    "Erf": erf,
    "Exp": np.exp,
    "Gather": lambda x, indices, axis: np.take(x, indices, axis),
    "Gemm": lambda x, w, b=0.0, transB=0: x @ (w.T if transB else w) + b,
    "GlobalAveragePool": lambda x: x.mean(axis=(2, 3), keepdims=True),
    "GlobalMaxPool": lambda x: x.max(axis=(2, 3), keepdims=True),
    "Identity": lambda x: x,
    "InstanceNormalization": instance_normalization,
    "LRN": lrn,
    "LeakyRelu": lambda x, alpha: np.where(x < 0, alpha * x, x),
    "Log": np.log,
    "LogSoftmax": lambda x, axis: np.log(softmax(x, axis=axis)),
    "MatMul": np.matmul,
    "Max": np.maximum,
    "MaxPool": max_pool,
    "Min": np.minimum,
    "Mul": np.multiply,
    "Neg": np.negative,
    "PRelu": lambda x, slope: np.where(x < 0, slope * x, x),
    "Pad": pad,
    "Pow": np.power,
    "ReduceMax": lambda x, axes, keepdims: x.max(axis=axes, keepdims=bool(keepdims)),
    "ReduceMean": lambda x, axes, keepdims: x.mean(axis=axes, keepdims=bool(keepdims)),
    "ReduceMin": lambda x, axes, keepdims: x.min(axis=axes, keepdims=bool(keepdims)),
    "ReduceSum": lambda x, axes, keepdims: x.sum(axis=axes, keepdims=bool(keepdims)),
    "Relu": lambda x: np.maximum(x, 0),
    "Reshape": reshape,
    "Resize": resize,
    "ScatterElements": scatter_elements,
    "Shape": lambda x: np.array(x.shape, np.int64),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Slice": slices,
    "Softmax": softmax,
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Tanh": np.tanh,
    "Transpose": lambda x, perm: x.transpose(perm),
    "Unsqueeze": lambda x, axes: np.expand_dims(x, tuple(axes.tolist())),
    "Where": np.where,
}
