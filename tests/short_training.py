"""Images, targets and a short training, for the tests of detectors."""

import numpy as np

from minicv.data import Farmyard
from minicv.metrics import voc_average_precision
from minicv.models.detection import FasterRCNNSettings
from minicv.optim import SGD, clip_grad_norm

FASTER_RCNN_FOR_TEN_SCENES = FasterRCNNSettings(
    min_size=96,
    max_size=96,
    anchor_sizes=(12.0, 24.0, 48.0),
    rpn_channels=64,
    head_units=128,
    pre_nms_top_n_train=300,
    post_nms_top_n_train=100,
    post_nms_top_n_test=100,
    rpn_samples=64,
    head_samples=32,
)


def make_image(height, width, seed=0):
    return np.random.default_rng(seed).random((3, height, width), dtype=np.float32)


def target(*boxes, label=1):
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return {"boxes": boxes, "labels": np.full(len(boxes), label, dtype=np.int64)}


def ten_scenes():
    """Images and targets that every detector must be able to learn by heart."""
    data = Farmyard(10, size=(96, 96), seed=5)
    return tuple(zip(*(data[i] for i in range(len(data))), strict=True))


def precision_after_overfitting(
    model, images, targets, *, steps, lr, rng, batch_size=5, first_look=100
):
    """AP50 on the images it is trained on, as soon as that is above 0.95 or at the end."""
    optimizer = SGD(model.parameters(), lr=lr, momentum=0.9)
    precision = 0.0
    for step in range(steps):
        chosen = rng.permutation(len(images))[:batch_size]
        optimizer.set_lr(lr * min(1, (step + 1) / 20) * (1 if step < steps * 2 // 3 else 0.2))
        losses = model.loss([images[i] for i in chosen], [targets[i] for i in chosen], rng)
        optimizer.zero_grad()
        sum(losses.values(), start=0.0).backward()
        clip_grad_norm(model.parameters(), 10.0)
        optimizer.step()
        if step >= first_look and step % 20 == 19:
            precision = voc_average_precision(model.predict(images), targets).mean_area
            if precision > 0.95:
                break
    return precision
