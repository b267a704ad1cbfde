"""Typical wrong answers to the exercise mean_iou."""

import numpy as np
from planted_mistakes import mistake


@mistake("small case 1", "confusion[0, 1] is 0 but must be 1")
def rows_and_columns_exchanged(predicted, truth, num_classes):
    labelled = truth != 255
    rows = truth[labelled].astype(np.int64)
    columns = predicted[labelled].astype(np.int64)
    counts = np.bincount(columns * num_classes + rows, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


@mistake("small case 4", "labels in bytes", "is", "must be")
def sums_in_bytes(predicted, truth, num_classes):
    labelled = truth != 255
    rows = truth[labelled]
    columns = predicted[labelled]
    counts = np.bincount(rows * np.uint8(num_classes) + columns, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


@mistake("small case 2", "a pixel without a label", "stops at line")
def pixels_without_a_label(predicted, truth, num_classes):
    rows = truth.ravel().astype(np.int64)
    columns = predicted.ravel().astype(np.int64)
    counts = np.bincount(rows * num_classes + columns, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


@mistake("small case 3", "a class that is nowhere", "stops at line")
def classes_that_are_there(predicted, truth, num_classes):
    labelled = truth != 255
    rows = truth[labelled].astype(np.int64)
    columns = predicted[labelled].astype(np.int64)
    counts = np.bincount(
        rows * num_classes + columns, minlength=len(np.unique(truth[labelled])) ** 2
    )
    return counts.reshape(num_classes, num_classes)


@mistake(
    "small case 2", "a class that is nowhere", "mean is 0.4167 but must be 0.625", of="mean_iou"
)
def absent_classes_count_0(confusion):
    both = np.diag(confusion)
    union = confusion.sum(axis=1) + confusion.sum(axis=0) - both
    class_iou = np.where(union > 0, both / np.maximum(union, 1), np.nan)
    mean = np.nan_to_num(class_iou).mean()
    return class_iou, mean


@mistake("small case 2", "mean is nan but must be 0.625", of="mean_iou")
def the_mean_of_nan(confusion):
    both = np.diag(confusion)
    union = confusion.sum(axis=1) + confusion.sum(axis=0) - both
    class_iou = np.where(union > 0, both / np.maximum(union, 1), np.nan)
    mean = class_iou.mean()
    return class_iou, mean


@mistake("small case 1", "class_iou[0] is 0.3333 but must be 0.5", of="mean_iou")
def a_union_that_counts_twice(confusion):
    both = np.diag(confusion)
    union = confusion.sum(axis=1) + confusion.sum(axis=0)
    class_iou = np.where(union > 0, both / np.maximum(union, 1), np.nan)
    there = class_iou[union > 0]
    mean = there.mean() if len(there) > 0 else np.nan
    return class_iou, mean


@mistake("small case 1", "class_iou[0] is 0.75 but must be 0.5", of="mean_iou")
def accuracy_in_place_of_iou(confusion):
    both = np.diag(confusion)
    union = confusion.sum(axis=1)
    class_iou = np.where(union > 0, both / np.maximum(union, 1), np.nan)
    there = class_iou[union > 0]
    mean = there.mean() if len(there) > 0 else np.nan
    return class_iou, mean


@mistake(
    "small case 3", "predicted and is not there", "class_iou[2] is nan but must be 0", of="mean_iou"
)
def classes_of_the_truth_alone(confusion):
    both = np.diag(confusion)
    union = confusion.sum(axis=1) + confusion.sum(axis=0) - both
    class_iou = np.where(confusion.sum(axis=1) > 0, both / np.maximum(union, 1), np.nan)
    there = class_iou[confusion.sum(axis=1) > 0]
    mean = there.mean() if len(there) > 0 else np.nan
    return class_iou, mean
