"""What a run remembers: all of it comes back, and only into the run that it belongs to."""

import numpy as np
import pytest

from minicv import Tensor
from minicv.nn import Linear
from minicv.optim import SGD, Adam
from minicv.training.train_state import TrainState, model_arrays
from minicv.weights import WeightsError, load_checkpoint, save_checkpoint

DESCRIPTION = {"model": "line", "sizes": (3, 2), "options": {"ratios": (0.5, 1.0)}}


def state(seed=0, description=DESCRIPTION, optimizer=None, generators=("fit", "loader"), out=2):
    model = Linear(3, out, rng=np.random.default_rng(seed))
    rngs = {name: np.random.default_rng([seed, i]) for i, name in enumerate(generators)}
    make = optimizer or (lambda parameters: SGD(parameters, lr=0.1, momentum=0.9))
    return TrainState(model, make(model.parameters()), rngs, description)


def step(run):
    """One step of learning that also draws from every generator."""
    noise = sum(rng.normal(size=(4, 3)) for rng in run.generators.values())
    run.optimizer.zero_grad()
    (run.model(Tensor(noise.astype(np.float32))) ** 2).sum().backward()
    run.optimizer.step()
    run.step += 1


def test_goes_on_as_if_never_stopped(tmp_path):
    run = state()
    step(run)
    run.epoch, run.history = 1, [{"epoch": 1, "loss": 0.1}]
    assert run.note_figure(0.25)
    run.save(tmp_path / "last.npz")
    step(run)

    again = state(seed=5)  # other weights and other generators, until the file is loaded
    again.load(tmp_path / "last.npz")
    assert (again.epoch, again.step, again.best) == (1, 1, 0.25)
    assert again.history == [{"epoch": 1, "loss": 0.1}]
    step(again)
    np.testing.assert_array_equal(again.model.weight.data, run.model.weight.data)
    for name, rng in run.generators.items():
        assert again.generators[name].random() == rng.random()


def test_a_saved_state_does_not_move_with_the_run(tmp_path):
    """Loading the same file twice gives the same numbers: the file's state is not shared."""
    run = state()
    run.save(tmp_path / "last.npz")
    draws = []
    for _ in range(2):
        run.load(tmp_path / "last.npz")
        draws.append(run.generators["fit"].random())
    assert draws[0] == draws[1]


def test_without_a_figure_there_is_no_best(tmp_path):
    run = state()
    run.save(tmp_path / "last.npz")
    other = state()
    other.best = 3.0
    other.load(tmp_path / "last.npz")
    assert other.best == float("-inf")


def test_best_figure():
    run = state()
    nan = float("nan")
    answers = [(nan, True), (nan, True), (0.0, True), (nan, False), (0.0, True), (0.5, True)]
    for figure, best in answers:
        assert run.note_figure(figure) is best
    assert run.best == 0.5
    assert not run.note_figure(0.4) and run.best == 0.5


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"description": {**DESCRIPTION, "sizes": (3, 4)}}, r"its sizes is \[3, 2\] but this run"),
        ({"description": {**DESCRIPTION, "new": 1}}, "its new is None but this run's is 1"),
        ({"description": {**DESCRIPTION, "options": {}}}, "its options is"),
        ({"out": 4}, r"(?s)last\.npz: cannot resume: .*weight"),
        ({"optimizer": Adam}, r"last\.npz: cannot resume: Adam: .*another optimizer"),
        ({"generators": ("fit",)}, r"its generators are \{'fit': 'PCG64', 'loader': 'PCG64'\}"),
        ({"generators": ("fit", "loader", "third")}, "this run's are .*'third'"),
    ],
)
def test_another_run_is_refused(tmp_path, other, message):
    run = state()
    step(run)
    run.save(tmp_path / "last.npz")
    mine = state(**other)
    with pytest.raises(WeightsError, match=message) as caught:
        mine.load(tmp_path / "last.npz")
    assert str(tmp_path / "last.npz") in str(caught.value)
    assert (mine.epoch, mine.step, mine.history) == (0, 0, [])


def test_weights_alone_are_refused(tmp_path):
    save_checkpoint(tmp_path / "weights.npz", {"model/weight": np.ones(2)}, DESCRIPTION)
    with pytest.raises(WeightsError, match="holds weights alone, no training to resume"):
        state().load(tmp_path / "weights.npz")


def test_a_missing_generator_is_left_out(tmp_path):
    model = Linear(3, 2, rng=np.random.default_rng(0))
    run = TrainState(model, SGD(model.parameters(), lr=0.1), {"fit": None}, {})
    run.save(tmp_path / "last.npz")
    run.load(tmp_path / "last.npz")
    assert run.generators == {}


def test_the_model_can_be_taken_out_of_the_file(tmp_path):
    run = state()
    step(run)
    run.save(tmp_path / "last.npz")
    arrays, description = load_checkpoint(tmp_path / "last.npz")
    taken = model_arrays(arrays)
    assert set(taken) == {"weight", "bias"} and len(arrays) > 2
    np.testing.assert_array_equal(taken["weight"], run.model.weight.data)
    assert description["model"] == "line" and description["sizes"] == [3, 2]
