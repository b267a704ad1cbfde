"""The example of transfer learning runs, small; its ways differ in what they are said to differ."""

import numpy as np
import pytest

from minicv.models.backbones import SmallBackbone
from minicv.models.classification import Classifier, ClassifierSettings


@pytest.fixture(scope="module")
def script(load_example):
    return load_example("20_transfer")


@pytest.fixture(scope="module")
def task(script):
    return script.of_animals(np.random.default_rng(0), scenes=(12, 16, 10), epochs=1)


def test_it_runs_prints_and_draws(script, task, tmp_path, check_pictures, capsys, monkeypatch):
    monkeypatch.setattr(script, "DRAWN_FROM", 1)
    steps = {script.UNFROZEN: 2, script.SCRATCH: 2}
    script.run(tmp_path / "new", task, seed=1, draws=1, steps=steps)
    check_pictures(tmp_path / "new", ["1_curve.png", "2_features.png", "3_guesses.png"])
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith("5 classes (cow, cat, dog, duck, person), ")
    assert rows[1].split() == ["pictures", "of", "each", "class", "1"]  # there are no 5
    assert [row.split("  ")[0] for row in rows[2:5]] == list(script.WAYS)
    assert rows[5] == "of these the cats, which the trained network had never met:"
    assert script.ALL[task.never_met] == "cat"


def test_the_network_has_seen_no_cat_before(script, task):
    before = script.cut_out(script.KNOWN, 6, seed=0)
    assert before.classes == script.KNOWN and "cat" not in script.KNOWN
    assert set(script.labels_of(before)) <= set(range(4))
    assert task.trained.classes == script.ALL and len(set(task.labels)) == 5


def test_a_head_alone_learns_or_all_layers_do(script, task):
    few = script.few_of_each(task.labels, 1, np.random.default_rng(0))
    features = script.features_of(task.trained.backbone, task.known, task.trained.settings)
    before = task.trained.state_dict()
    head = script.learn_head(task.trained, features, few, np.random.default_rng(0))
    moved = {
        name for name, array in head.state_dict().items() if not np.array_equal(array, before[name])
    }
    assert moved == {"fc.weight", "fc.bias"}
    start = head.state_dict()
    blocks = len(script.blocks_of(head.backbone))
    model = script.learn_all(head, task, few, 4 * (blocks + 1), np.random.default_rng(0))
    after = model.state_dict()
    still = {name for name, array in after.items() if np.array_equal(array, start[name])}
    learning = {name for name, array in after.items() if array.ndim == 4} | {"fc.weight"}
    assert not learning & still  # convolutions too, the first ones last
    assert all(name in still for name in after if "running" in name)  # statistics stay


def test_photographs_need_a_source_of_classes(script, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="label is needed"):
        script.main(["--data", "camvid:nowhere", "--out", str(tmp_path)])


def test_guesses_are_the_best_classes(script):
    settings = ClassifierSettings(size=16, fit="stretch")
    rng = np.random.default_rng(0)
    model = Classifier(SmallBackbone(4, rng=rng), ("a", "b"), settings, rng=rng)
    model.fc.weight.data[:], model.fc.bias.data[:] = 0, [0, 1]
    data = [(rng.random((3, 20, 20), np.float32), {"label": 0}) for _ in range(3)]
    assert script.guesses_of(model, data).tolist() == [1, 1, 1]
