"""What a checkpoint says of its model, field by field."""

import numpy as np
import pytest

from minicv.tasks.description import BoundedGenerator, described
from minicv.tasks.systems import SYSTEMS, build, load
from minicv.tasks.task import Spec
from minicv.training.fit import model_arrays
from minicv.weights import WeightsError, save_checkpoint


def description(**changes):
    spec = Spec("full_resolution", ("cow", "duck"), SYSTEMS["full_resolution"].settings[None])
    whole = spec.describe()
    settings = {**whole["settings"], "width": 2, "depth": 1, **changes.pop("settings", {})}
    return {**whole, "settings": settings, **changes}


def test_a_good_description_is_its_spec():
    spec, system = described(description(), "a.npz", SYSTEMS)
    assert (system.name, spec.classes, spec.settings.width) == (
        "full_resolution",
        ("cow", "duck"),
        2,
    )
    colours = [[0, 0, 0], [255, 1, 2]]
    spec, _ = described(description(colours=colours), "a.npz", SYSTEMS)
    assert spec.colours == ((0, 0, 0), (255, 1, 2))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"system": ["segnet"]}, "its system is ['segnet'], expected a text"),
        ({"system": None}, "its system is None, expected a text"),
        ({"system": "yolo"}, "weights of another model ('yolo', expected one of faster_rcnn, "),
        ({"classes": "cow"}, "its classes is 'cow', expected a list, each item a text"),
        ({"classes": ["cow", 1]}, "its classes is ['cow', 1], expected a list, each item a text"),
        ({"classes": []}, "its classes are '', expected a name for each, once"),
        ({"classes": ["cow", "cow"]}, "its classes are 'cow, cow', expected a name for each, once"),
        ({"backbone": 3}, "its backbone is 3, expected a text or none"),
        ({"backbone": "small"}, "its backbone is 'small', expected none"),
        ({"proposals": 0.5}, "its proposals is 0.5, expected a text or none"),
        ({"frozen": 1}, "its frozen is 1, expected true or false"),
        ({"settings": {"width": "2"}}, "its settings/width is '2', expected a whole number"),
        ({"settings": {"width": 2.0}}, "its settings/width is 2.0, expected a whole number"),
        ({"settings": {"width": True}}, "its settings/width is True, expected a whole number"),
        ({"settings": {"depth": 0}}, "settings that no model can have (FullResolutionSettings: "),
        ({"settings": {"depth": 10**9}}, "depth=1000000000; expected numbers from 1 to 1,000,000"),
        (
            {"settings": {"class_weights": [1.0, float("nan")]}},
            "its settings/class_weights is [1.0, nan], expected a list, each item a finite number",
        ),
        ({"settings": {"colour": 1}}, "another version of the model (there is no setting colour)"),
        ({"colours": [[0, 0, 0]]}, "expected red, green and blue of 0..255 for each of 2 classes"),
        ({"colours": [[0, 0, 0], [256, 0, 0]]}, "expected red, green and blue of 0..255"),
        ({"colours": [[0, 0, 0], [0.5, 0, 0]]}, "its colours is [[0, 0, 0], [0.5, 0, 0]]"),
    ],
)
def test_a_wrong_field_is_named(changes, sentence):
    with pytest.raises(WeightsError) as refused:
        described(description(**changes), "a.npz", SYSTEMS)
    assert str(refused.value).startswith("a.npz: ") and sentence in str(refused.value)


def test_a_system_on_proposals_names_a_proposer():
    wrong = Spec("fast_rcnn", ("cow",), SYSTEMS["fast_rcnn"].settings["small"], "small", "magic")
    with pytest.raises(WeightsError, match="its proposals are 'magic', expected one of "):
        described(wrong.describe(), "a.npz", SYSTEMS)


@pytest.mark.parametrize("width", [5000, 1_000_000])
def test_no_model_is_built_that_the_file_cannot_hold(tmp_path, width):
    """Of a width of a million a layer would take 36 TB."""
    path = tmp_path / "a.npz"
    spec, _ = described(description(), path, SYSTEMS)
    model = build(spec, np.random.default_rng(0))
    save_checkpoint(path, model_arrays(model), description(settings={"width": width, "depth": 9}))
    with pytest.raises(WeightsError, match="it would have far more weights than the file holds"):
        load(path)


def test_the_generator_draws_what_numpy_draws_and_is_free_afterwards():
    bounded, free = BoundedGenerator(0, {"w": np.zeros(1000)}), np.random.default_rng(0)
    np.testing.assert_array_equal(bounded.random(5), free.random(5))
    np.testing.assert_array_equal(
        bounded.standard_normal((2, 3), dtype=np.float32),
        free.standard_normal((2, 3), dtype=np.float32),
    )
    with pytest.raises(ValueError, match="far more weights"):
        bounded.random(2_000_000)
    bounded.weights = None
    assert bounded.random(2_000_000).shape == (2_000_000,)
    many = BoundedGenerator(0, {})
    with pytest.raises(ValueError, match="far more weights"):
        for _ in range(1000):
            many.random()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda a: np.full(a.shape, np.nan, "f4"), "holds NaN, infinity or numbers above 3e38"),
        (lambda a: np.full(a.shape, np.inf, "f4"), "holds NaN, infinity or numbers above 3e38"),
        (lambda a: np.full(a.shape, 1e300), "holds NaN, infinity or numbers above 3e38"),
        (lambda a: a.astype("c8"), "holds complex64 numbers, expected real ones"),
        (lambda a: a.astype("U8"), "holds <U8 numbers, expected real ones"),
        (lambda a: a[None], "mismatched: score.weight"),
    ],
)
def test_weights_that_predict_nothing_are_refused(tmp_path, damage, sentence):
    """Before, NaN weights found nothing in any picture, and the command ended with 0."""
    path = tmp_path / "a.npz"
    spec, _ = described(description(), path, SYSTEMS)
    arrays = model_arrays(build(spec, np.random.default_rng(0)))
    arrays["model/score.weight"] = damage(arrays["model/score.weight"])
    save_checkpoint(path, arrays, description())
    with pytest.raises(WeightsError) as refused:
        load(path)
    assert str(refused.value).startswith(f"{path}: ") and sentence in str(refused.value)
