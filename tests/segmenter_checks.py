"""What holds for every segmenter, whatever its network; each test file asks it of its own."""

import numpy as np

from minicv import Tensor, no_grad
from minicv.data import Farmyard
from minicv.metrics import segmentation_values
from minicv.models.photographs import normalised_batch
from minicv.nn import evaluating
from minicv.optim import Adam, CosineAnnealingLR, clip_grad_norm
from minicv.vision import VOID

CLASSES = ("cow", "duck", "sky")


def random_image(height, width, seed=0):
    return np.random.default_rng(seed).random((3, height, width), dtype=np.float32)


def random_labels(height, width, seed=0, classes=3):
    return {"segmentation": np.random.default_rng(seed).integers(0, classes, (height, width))}


def check_size(model, height, width):
    """Logits, and what is predicted, have exactly the size of the image, in float32."""
    image, classes = random_image(height, width), len(model.classes)
    with no_grad():
        logits = model.eval()(Tensor(image[None]))
    assert logits.shape == (1, classes, height, width)
    assert logits.dtype == np.float32 and np.isfinite(logits.data).all()
    result = model.predict([image])[0]
    assert result["segmentation"].shape == (height, width)
    assert result["segmentation"].dtype == np.int64
    assert result["probabilities"].shape == (classes, height, width)
    assert result["probabilities"].dtype == np.float32
    np.testing.assert_allclose(result["probabilities"].sum(axis=0), 1, rtol=1e-5)
    assert (result["segmentation"] == result["probabilities"].argmax(axis=0)).all()


def check_gradients(model, size=(20, 23)):
    """The loss reaches every parameter, in float32, and without a labelled pixel none."""
    images = [random_image(*size, seed) for seed in range(2)]
    targets = [random_labels(*size, seed, len(model.classes)) for seed in range(2)]
    loss = model.train().loss(images, targets)["loss_pixels"]
    assert loss.dtype == np.float32 and 0 < loss.item() < 100
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.dtype == np.float32, name
        assert np.abs(parameter.grad).max() > 0, name

    model.zero_grad()
    nothing = [{"segmentation": np.full(size, VOID)} for _ in images]
    loss = model.loss(images, nothing)["loss_pixels"]
    loss.backward()
    assert loss.item() == 0
    for name, parameter in model.named_parameters():
        assert (parameter.grad == 0).all(), name


def logits_of(model, image):
    """What the network says of an image as it is: logits (K, H, W), on the host."""
    pixels = normalised_batch([image], model.mean, model.std)
    with no_grad(), evaluating(model):
        return model(Tensor(pixels)).data[0]


def arrays_of(stages):
    """All arrays of a list of stages, by names such as "class_maps/class_maps"."""
    return {f"{s.name}/{name}": array for s in stages for name, array in s.arrays.items()}


def check_stages(model, size=(21, 18), maps=()):
    """`stages` shows what `predict` returns, and neither trains: modes and statistics stay.

    ``maps`` are the names of the feature maps that the network notes, in order.
    """
    image = random_image(*size)
    model.train()
    before = model.state_dict()
    stages, result = model.stages(image), model.predict([image, image])[1]
    assert [stage.name for stage in stages] == ["input", *maps, "class_maps", "label_map"]
    shown = arrays_of(stages)
    np.testing.assert_array_equal(shown["label_map/segmentation"], result["segmentation"])
    np.testing.assert_array_equal(shown["class_maps/class_maps"], result["probabilities"])
    np.testing.assert_array_equal(shown["label_map/image"], image)
    np.testing.assert_array_equal(shown["input/image"], image)
    for name in maps:
        features = shown[f"{name}/features"]
        assert features.ndim == 3 and np.ptp(features) > 0, name
    assert all(module.training for module in model.modules())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


def farmyard_scenes(count, size, seed=5):
    data = Farmyard(count, size=size, seed=seed)
    samples = [data[i] for i in range(count)]
    return [image for image, _ in samples], [target for _, target in samples]


def mean_iou_after_training(model, images, targets, *, steps, lr):
    """Of the images trained on, all of them in every step; the rate falls to 0 along a cosine."""
    optimizer, schedule = Adam(model.parameters(), lr=lr), CosineAnnealingLR(lr, max(steps, 1))
    for step in range(steps):
        optimizer.set_lr(schedule.lr(step))
        loss = model.train().loss(images, targets)["loss_pixels"]
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm(model.parameters(), 10.0)
        optimizer.step()
    return values_of(model, images, targets).mean_iou


def values_of(model, images, targets):
    """How good the model's predictions are: pixel accuracy, mean accuracy, mean IoU."""
    return segmentation_values(model.predict(images), targets, len(model.classes))
