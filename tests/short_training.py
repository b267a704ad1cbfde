"""Images, targets and a short training, for the tests of detectors."""

import numpy as np

from minicv.data import Farmyard
from minicv.metrics import voc_average_precision
from minicv.models.detection import FasterRCNNSettings
from minicv.optim import Adam, clip_grad_norm

# Few samples, of which many are positive: with ten pictures there is no background to speak of.
FASTER_RCNN_FOR_TEN_SCENES = FasterRCNNSettings(
    min_size=64,
    max_size=64,
    anchor_sizes=(14.0, 24.0, 40.0),
    rpn_channels=64,
    pooled_size=5,
    head_units=128,
    pre_nms_top_n_train=100,
    post_nms_top_n_train=40,
    pre_nms_top_n_test=100,
    post_nms_top_n_test=40,
    rpn_samples=24,
    head_samples=16,
    head_positive_fraction=0.5,
)


def make_image(height, width, seed=0):
    return np.random.default_rng(seed).random((3, height, width), dtype=np.float32)


def target(*boxes, label=1):
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return {"boxes": boxes, "labels": np.full(len(boxes), label, dtype=np.int64)}


def ten_scenes(side=96):
    """Images and targets that every detector must be able to learn by heart."""
    data = Farmyard(10, size=(side, side), seed=5)
    return tuple(zip(*(data[i] for i in range(len(data))), strict=True))


def learn_by_heart(model, images, targets, *, steps, lr, rng, batch_size=5):
    """Train on nothing but these, to the end: whatever the seed, the losses are small then."""
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = Adam(learning, lr=lr)
    for step in range(steps):
        chosen = rng.permutation(len(images))[:batch_size]
        optimizer.set_lr(lr * min(1, (step + 1) / 10) * (1 if step < steps * 2 // 3 else 0.2))
        losses = model.loss([images[i] for i in chosen], [targets[i] for i in chosen], rng)
        optimizer.zero_grad()
        sum(losses.values(), start=0.0).backward()
        clip_grad_norm(learning, 10.0)
        optimizer.step()


def precision_of(model, images, targets):
    """AP50, the mean over the classes."""
    return voc_average_precision(model.predict(images), targets).mean_area
