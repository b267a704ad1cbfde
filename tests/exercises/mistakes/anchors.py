"""Typical wrong answers to the exercise anchors."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 2", "a wide box and a high one", "anchors[0, 0] is 6 but must be 0")
def an_inverted_ratio(feature_height, feature_width, stride, sizes, aspect_ratios):
    anchors = []
    for row in range(feature_height):
        for column in range(feature_width):
            cx, cy = (column + 0.5) * stride, (row + 0.5) * stride
            for ratio in aspect_ratios:
                for size in sizes:
                    w, h = size * np.sqrt(ratio), size / np.sqrt(ratio)
                    anchors.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    return np.array(anchors, float).reshape(-1, 4)


@mistake("small case 1", "anchors[0, 0] is -4 but must be 4", "all are smaller by 8")
def centres_at_corners(feature_height, feature_width, stride, sizes, aspect_ratios):
    anchors = []
    for row in range(feature_height):
        for column in range(feature_width):
            cx, cy = column * stride, row * stride
            for ratio in aspect_ratios:
                for size in sizes:
                    w, h = size / np.sqrt(ratio), size * np.sqrt(ratio)
                    anchors.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    return np.array(anchors, float).reshape(-1, 4)


@mistake("small case 2", "anchors[0, 0] is -8 but must be 0")
def another_area(feature_height, feature_width, stride, sizes, aspect_ratios):
    anchors = []
    for row in range(feature_height):
        for column in range(feature_width):
            cx, cy = (column + 0.5) * stride, (row + 0.5) * stride
            for ratio in aspect_ratios:
                for size in sizes:
                    w, h = size / ratio, size
                    anchors.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    return np.array(anchors, float).reshape(-1, 4)


@mistake("small case 3", "two ratios and two sizes", "anchors[1, 0] is 6 but must be 0")
def size_by_size(feature_height, feature_width, stride, sizes, aspect_ratios):
    anchors = []
    for row in range(feature_height):
        for column in range(feature_width):
            cx, cy = (column + 0.5) * stride, (row + 0.5) * stride
            for size in sizes:
                for ratio in aspect_ratios:
                    w, h = size / np.sqrt(ratio), size * np.sqrt(ratio)
                    anchors.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    return np.array(anchors, float).reshape(-1, 4)


@mistake("small case 4", "two rows of three cells", "anchors[1, 0] is 2 but must be 10")
def columns_before_rows(feature_height, feature_width, stride, sizes, aspect_ratios):
    anchors = []
    for column in range(feature_width):
        for row in range(feature_height):
            cx, cy = (column + 0.5) * stride, (row + 0.5) * stride
            for ratio in aspect_ratios:
                for size in sizes:
                    w, h = size / np.sqrt(ratio), size * np.sqrt(ratio)
                    anchors.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    return np.array(anchors, float).reshape(-1, 4)


@mistake("small case 5", "a ratio whose root is not whole", "anchors[0, 0] is 1 but must be")
def rounded_sides(feature_height, feature_width, stride, sizes, aspect_ratios):
    anchors = []
    for row in range(feature_height):
        for column in range(feature_width):
            cx, cy = (column + 0.5) * stride, (row + 0.5) * stride
            for ratio in aspect_ratios:
                for size in sizes:
                    w, h = np.round(size / np.sqrt(ratio)), np.round(size * np.sqrt(ratio))
                    anchors.append([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    return np.array(anchors, float).reshape(-1, 4)
