"""What every detector must do, whatever its stages: for the tests of each."""

import numpy as np

from minicv.metrics import voc_average_precision
from minicv.optim import SGD, clip_grad_norm


def make_image(height, width, seed=0):
    return np.random.default_rng(seed).random((3, height, width), dtype=np.float32)


def target(*boxes, label=1):
    boxes = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    return {"boxes": boxes, "labels": np.full(len(boxes), label, dtype=np.int64)}


def check_losses_reach_every_parameter(model, names):
    losses = model.loss(
        [make_image(50, 70), make_image(64, 40)],
        [target([4, 4, 30, 40]), target([0, 0, 20, 20], [10, 10, 40, 60])],
        np.random.default_rng(1),
    )
    assert set(losses) == names
    total = sum(losses.values(), start=0.0)
    assert np.isfinite(total.item())
    total.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and np.abs(parameter.grad).max() > 0, name


def check_no_rng_draws_the_same(model):
    images, targets = [make_image(60, 60)], [target([5, 5, 40, 40])]
    first, second = (
        {n: v.item() for n, v in model.loss(images, targets).items()} for _ in range(2)
    )
    assert first == second


def check_predict_changes_nothing_in_training_mode(model):
    model.train()
    before = model.state_dict()
    model.predict([make_image(40, 40)])
    assert all(part.training for part in model.modules())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


def check_images_of_a_batch_are_apart(model):
    images = [make_image(64, 64, seed=1), make_image(64, 64, seed=2)]
    together = model.predict(images)
    for image, found in zip(images, together, strict=True):
        alone = model.predict([image])[0]
        assert len(found["boxes"]) > 0
        np.testing.assert_allclose(found["boxes"], alone["boxes"], atol=1e-3)
        np.testing.assert_allclose(found["scores"], alone["scores"], atol=1e-5)


def check_passes(model, height, width):
    """A picture of this size, without an object, goes through all that a detector can do."""
    image = make_image(height, width)
    found = model.predict([image])[0]
    kept = model.stages(image)["detections"]
    for name, array in found.items():
        np.testing.assert_array_equal(array, kept[name])
    count = len(found["scores"])
    assert found["boxes"].shape == (count, 4) and found["labels"].shape == (count,)
    losses = model.loss([image], [target()])
    assert all(np.isfinite(value.item()) for value in losses.values())
    sum(losses.values(), start=0.0).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(np.isfinite(gradient).all() for gradient in gradients)


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
