"""What a checkpoint says of its model: read once, required, and filled in whole or refused."""

import numpy as np
import pytest

from minicv.nn import Linear
from minicv.training import ModelFile
from minicv.weights import WeightsError, save_checkpoint


def layer(seed=0, out=2):
    return Linear(3, out, rng=np.random.default_rng(seed))


def saved(path, **description):
    arrays = {f"model/{name}": array for name, array in layer(7).state_dict().items()}
    save_checkpoint(path, arrays | {"optimizer/0.step": np.ones(1)}, description)
    return ModelFile.read(path)


def test_weights_and_description(tmp_path):
    file = saved(tmp_path / "a.npz", model="line", size=3)
    assert file.model == "line" and file.description == {"model": "line", "size": 3}
    assert set(file.weights) == {"weight", "bias"}  # what an optimizer remembers is none
    file.require(["line", "plane"], ["size"])
    model = file.fill(layer())
    np.testing.assert_array_equal(model.weight.data, layer(7).weight.data)
    assert not model.training


def test_another_model_names_both(tmp_path):
    file = saved(tmp_path / "a.npz", model="line")
    with pytest.raises(
        WeightsError,
        match=r"a\.npz: weights of another model \('line', expected 'plane' or 'space'\)",
    ):
        file.require(["plane", "space"], [])
    assert saved(tmp_path / "b.npz").model == "unnamed"


def test_what_the_description_lacks_is_named(tmp_path):
    file = saved(tmp_path / "a.npz", model="line", size=3)
    with pytest.raises(WeightsError, match=r"a\.npz: .* its description lacks colour, shape"):
        file.require(["line"], ["size", "colour", "shape"])


def test_weights_that_do_not_fit(tmp_path):
    file = saved(tmp_path / "a.npz", model="line")
    with pytest.raises(WeightsError, match=r"(?s)a\.npz: the weights do not fit .*weight"):
        file.fill(layer(out=4))


def test_no_file(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        ModelFile.read(tmp_path / "absent.npz")
