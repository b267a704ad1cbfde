"""Typical wrong answers to the exercise roi_align."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "y[0, 0, 0, 0] is 7.5 but must be 5")
def without_the_half_position(x, boxes, batch_indices, output_size, spatial_scale, sampling_ratio):
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = box * spatial_scale
        weights = []
        for start, end, bins, length in (
            (y1, y2, output_size[0], x.shape[2]),
            (x1, x2, output_size[1], x.shape[3]),
        ):
            samples = bins * sampling_ratio
            place = start + (np.arange(samples) + 0.5) * (end - start) / samples
            inside = (place >= -1) & (place <= length)
            place = np.clip(place, 0, length - 1)
            hats = np.maximum(1 - np.abs(place[:, None] - np.arange(length)), 0)
            hats = hats * inside[:, None]
            weights.append(hats.reshape(bins, sampling_ratio, length).mean(axis=1))
        y[r] = weights[0] @ x[batch_indices[r]] @ weights[1].T
    return y


@mistake("small case 2", "a sample between four positions", "y[0, 0, 0, 0] is", "must be 6")
def the_nearest_position(x, boxes, batch_indices, output_size, spatial_scale, sampling_ratio):
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = box * spatial_scale - 0.5
        weights = []
        for start, end, bins, length in (
            (y1, y2, output_size[0], x.shape[2]),
            (x1, x2, output_size[1], x.shape[3]),
        ):
            samples = bins * sampling_ratio
            place = start + (np.arange(samples) + 0.5) * (end - start) / samples
            inside = (place >= -1) & (place <= length)
            place = np.clip(np.floor(place + 0.5), 0, length - 1)
            hats = np.maximum(1 - np.abs(place[:, None] - np.arange(length)), 0)
            hats = hats * inside[:, None]
            weights.append(hats.reshape(bins, sampling_ratio, length).mean(axis=1))
        y[r] = weights[0] @ x[batch_indices[r]] @ weights[1].T
    return y


@mistake("small case 1", "y[0, 0, 0, 0] is 2.5 but must be 5")
def samples_where_bins_begin(x, boxes, batch_indices, output_size, spatial_scale, sampling_ratio):
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = box * spatial_scale - 0.5
        weights = []
        for start, end, bins, length in (
            (y1, y2, output_size[0], x.shape[2]),
            (x1, x2, output_size[1], x.shape[3]),
        ):
            samples = bins * sampling_ratio
            place = start + np.arange(samples) * (end - start) / samples
            inside = (place >= -1) & (place <= length)
            place = np.clip(place, 0, length - 1)
            hats = np.maximum(1 - np.abs(place[:, None] - np.arange(length)), 0)
            hats = hats * inside[:, None]
            weights.append(hats.reshape(bins, sampling_ratio, length).mean(axis=1))
        y[r] = weights[0] @ x[batch_indices[r]] @ weights[1].T
    return y


@mistake("small case 4", "four samples in each bin", "y[0, 0, 0, 0]")
def the_maximum_of_the_samples(x, boxes, batch_indices, output_size, spatial_scale, sampling_ratio):
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = box * spatial_scale - 0.5
        weights = []
        for start, end, bins, length in (
            (y1, y2, output_size[0], x.shape[2]),
            (x1, x2, output_size[1], x.shape[3]),
        ):
            samples = bins * sampling_ratio
            place = start + (np.arange(samples) + 0.5) * (end - start) / samples
            inside = (place >= -1) & (place <= length)
            place = np.clip(place, 0, length - 1)
            hats = np.maximum(1 - np.abs(place[:, None] - np.arange(length)), 0)
            hats = hats * inside[:, None]
            weights.append(hats.reshape(bins, sampling_ratio, length).max(axis=1))
        y[r] = weights[0] @ x[batch_indices[r]] @ weights[1].T
    return y


@mistake("small case 7", "far outside", "y[0, 0, 0, 0] is", "must be 0")
def outside_as_at_the_edge(x, boxes, batch_indices, output_size, spatial_scale, sampling_ratio):
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = box * spatial_scale - 0.5
        weights = []
        for start, end, bins, length in (
            (y1, y2, output_size[0], x.shape[2]),
            (x1, x2, output_size[1], x.shape[3]),
        ):
            samples = bins * sampling_ratio
            place = start + (np.arange(samples) + 0.5) * (end - start) / samples
            place = np.clip(place, 0, length - 1)
            hats = np.maximum(1 - np.abs(place[:, None] - np.arange(length)), 0)
            weights.append(hats.reshape(bins, sampling_ratio, length).mean(axis=1))
        y[r] = weights[0] @ x[batch_indices[r]] @ weights[1].T
    return y


@mistake("small case 4", "four samples in each bin", "y[0, 0, 0, 0] is 4 but must be 4.5")
def no_value_beyond_the_edge(x, boxes, batch_indices, output_size, spatial_scale, sampling_ratio):
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = box * spatial_scale - 0.5
        weights = []
        for start, end, bins, length in (
            (y1, y2, output_size[0], x.shape[2]),
            (x1, x2, output_size[1], x.shape[3]),
        ):
            samples = bins * sampling_ratio
            place = start + (np.arange(samples) + 0.5) * (end - start) / samples
            inside = (place >= -1) & (place <= length)
            hats = np.maximum(1 - np.abs(place[:, None] - np.arange(length)), 0)
            hats = hats * inside[:, None]
            weights.append(hats.reshape(bins, sampling_ratio, length).mean(axis=1))
        y[r] = weights[0] @ x[batch_indices[r]] @ weights[1].T
    return y


@mistake("small case 3", "nearer to one of two columns", "y[0, 0, 0, 0] is 2 but must be 1")
def rounded_corners(x, boxes, batch_indices, output_size, spatial_scale, sampling_ratio):
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = np.floor(box * spatial_scale + 0.5) - 0.5
        weights = []
        for start, end, bins, length in (
            (y1, y2, output_size[0], x.shape[2]),
            (x1, x2, output_size[1], x.shape[3]),
        ):
            samples = bins * sampling_ratio
            place = start + (np.arange(samples) + 0.5) * (end - start) / samples
            inside = (place >= -1) & (place <= length)
            place = np.clip(place, 0, length - 1)
            hats = np.maximum(1 - np.abs(place[:, None] - np.arange(length)), 0)
            hats = hats * inside[:, None]
            weights.append(hats.reshape(bins, sampling_ratio, length).mean(axis=1))
        y[r] = weights[0] @ x[batch_indices[r]] @ weights[1].T
    return y


@mistake(
    "small case 2",
    "boxes that overlap",
    "dL/dx[0, 0, 0, 0] is 32 but must be 36",
    of="roi_align_gradient",
)
def gradient_of_the_last_box(
    grad, x, boxes, batch_indices, output_size, spatial_scale, sampling_ratio
):
    grad_x = np.zeros(x.shape)
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = box * spatial_scale - 0.5
        weights = []
        for start, end, bins, length in (
            (y1, y2, output_size[0], x.shape[2]),
            (x1, x2, output_size[1], x.shape[3]),
        ):
            samples = bins * sampling_ratio
            place = start + (np.arange(samples) + 0.5) * (end - start) / samples
            inside = (place >= -1) & (place <= length)
            place = np.clip(place, 0, length - 1)
            hats = np.maximum(1 - np.abs(place[:, None] - np.arange(length)), 0)
            hats = hats * inside[:, None]
            weights.append(hats.reshape(bins, sampling_ratio, length).mean(axis=1))
        grad_x[batch_indices[r]] = weights[0].T @ grad[r] @ weights[1]
    return grad_x


@mistake(
    "small case 5",
    "four samples in each bin",
    "dL/dx[0, 0, 0, 0]",
    "4 times what they must be",
    of="roi_align_gradient",
)
def gradient_without_the_mean(
    grad, x, boxes, batch_indices, output_size, spatial_scale, sampling_ratio
):
    grad_x = np.zeros(x.shape)
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = box * spatial_scale - 0.5
        weights = []
        for start, end, bins, length in (
            (y1, y2, output_size[0], x.shape[2]),
            (x1, x2, output_size[1], x.shape[3]),
        ):
            samples = bins * sampling_ratio
            place = start + (np.arange(samples) + 0.5) * (end - start) / samples
            inside = (place >= -1) & (place <= length)
            place = np.clip(place, 0, length - 1)
            hats = np.maximum(1 - np.abs(place[:, None] - np.arange(length)), 0)
            hats = hats * inside[:, None]
            weights.append(hats.reshape(bins, sampling_ratio, length).sum(axis=1))
        grad_x[batch_indices[r]] += weights[0].T @ grad[r] @ weights[1]
    return grad_x
