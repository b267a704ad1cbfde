"""The training loop: it learns, it resumes exactly, it keeps the best, it stops with a sentence."""

import functools
import os

import numpy as np
import pytest
from brightness_segmenter import BrightnessSegmenter, Stripes
from tiny_detector import tiny_detector

from minicv import Tensor
from minicv.data import DataLoader, Farmyard
from minicv.metrics.metric import SegmentationMetric
from minicv.nn import Dropout, Linear, Module
from minicv.optim import SGD, Adam, ConstantLR
from minicv.training import DivergenceError, GradientStep, fit, validator
from minicv.training.fit import MODEL, TrainingState, part_of
from minicv.weights import WeightsError, load_checkpoint, save_checkpoint

DATA = Farmyard(6, size=(48, 48), seed=3)
DESCRIPTION = {"system": "line", "sizes": (3, 2), "options": {"ratios": (0.5, 1.0)}}


class Run:
    """One training of a detector from seed 0, as small as it can be."""

    def __init__(self, classes=DATA.classes, lr=0.01, max_norm=10.0, **described):
        self.described = {"classes": classes, **described}
        self.model = tiny_detector(classes)
        optimizer = SGD(self.model.parameters(), lr=lr, momentum=0.9)
        self.step = GradientStep(self.model, optimizer, ConstantLR(lr), max_norm=max_norm)

    def fit(self, epochs, out, data=DATA, **options):
        return fit(
            self.step,
            DataLoader(data, 2, shuffle=True, rng=np.random.default_rng(1)),
            epochs=epochs,
            rng=np.random.default_rng(2),
            out=out,
            description=self.described,
            progress=False,
            **options,
        )


def without_seconds(history):
    return [{k: v for k, v in record.items() if k != "seconds"} for record in history]


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path):
    whole = Run()
    history = whole.fit(4, tmp_path / "whole")
    Run().fit(2, tmp_path / "parts")
    resumed = Run()
    resumed_history = resumed.fit(4, tmp_path / "parts", resume=True)
    assert [record["epoch"] for record in resumed_history] == [1, 2, 3, 4]
    assert without_seconds(history) == without_seconds(resumed_history)
    final = resumed.model.state_dict()
    for name, array in whole.model.state_dict().items():
        np.testing.assert_array_equal(array, final[name], err_msg=name)


class TwoPlayers(Module):
    """One moves its number up the loss, the other down; both drop units."""

    def __init__(self):
        self.a = Linear(4, 1, rng=np.random.default_rng(0))
        self.b = Linear(4, 1, rng=np.random.default_rng(1))
        self.drop = Dropout(0.5, rng=np.random.default_rng(2))


class TwoOptimizers:
    """A step as a GAN's: each batch moves one part, then the other, by optimizers of their own."""

    def __init__(self):
        self.model, self.steps = TwoPlayers(), 0
        self.optimizers = {
            name: Adam(getattr(self.model, name).parameters(), lr=0.1) for name in ("a", "b")
        }

    def __call__(self, images, targets, rng):
        values = {}
        for sign, (name, optimizer) in zip((1, -1), self.optimizers.items(), strict=True):
            noise = Tensor(rng.normal(size=(2, 4)).astype(np.float32))
            optimizer.zero_grad()
            difference = self.model.a(self.model.drop(noise)) - self.model.b(noise)
            loss = sign * (difference * difference).mean()
            loss.backward()
            optimizer.step()
            values[f"loss_{name}"] = loss.item()
        self.steps += 1
        return values

    def state_dict(self):
        states = {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()}
        flat = {f"{name}/{key}": a for name, state in states.items() for key, a in state.items()}
        return {**flat, "steps": np.array(self.steps)}

    def load_state_dict(self, state):
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(part_of(state, f"{name}/"))
        self.steps = int(state["steps"])


def test_a_step_with_two_optimizers_resumes_exactly(tmp_path):
    def run(epochs, out, resume=False):
        step = TwoOptimizers()
        loader = DataLoader(Stripes(3), 1)
        rng = np.random.default_rng(4)
        history = fit(step, loader, epochs=epochs, rng=rng, out=out, resume=resume, progress=False)
        return step, history

    whole, history = run(4, tmp_path / "whole")
    run(2, tmp_path / "parts")
    resumed, resumed_history = run(4, tmp_path / "parts", resume=True)
    assert history[-1]["step"] == whole.steps == resumed.steps == 12
    assert without_seconds(history) == without_seconds(resumed_history)
    assert history[0]["loss_a"] > 0 > history[0]["loss_b"]
    for name, array in whole.model.state_dict().items():
        np.testing.assert_array_equal(array, resumed.model.state_dict()[name], err_msg=name)
        assert not np.array_equal(array, TwoPlayers().state_dict()[name])


def test_resume_without_checkpoint_starts_and_a_finished_run_stays(tmp_path):
    first = Run().fit(1, tmp_path, resume=True)
    again = Run().fit(1, tmp_path, resume=True)
    assert first == again


def test_resuming_another_run_is_refused(tmp_path):
    Run().fit(1, tmp_path)
    with pytest.raises(WeightsError, match="cannot resume, its classes is"):
        Run(classes=("a", "b", "c", "d", "e")).fit(2, tmp_path, resume=True)
    arrays, description = load_checkpoint(tmp_path / "last.npz")
    # Of many settings the one is said that differs, not all of them twice.
    then = {"width": 4, "joint_names": ["neck", "head top"]}
    save_checkpoint(tmp_path / "last.npz", arrays, {**description, "settings": then})
    now = {"width": 4, "joint_names": ("neck",)}
    with pytest.raises(WeightsError) as caught:
        Run(settings=now).fit(2, tmp_path, resume=True)
    assert str(caught.value) == (
        f"{tmp_path / 'last.npz'}: cannot resume, its settings/joint_names is "
        "['neck', 'head top'] but this run's is ['neck']"
    )
    save_checkpoint(tmp_path / "last.npz", {"w": np.ones(1)}, {})
    with pytest.raises(WeightsError, match="no training to resume"):
        Run().fit(2, tmp_path, resume=True)


def test_losses_and_values_are_recorded_and_the_best_is_kept(tmp_path):
    values = iter([0.2, 0.5, 0.1])
    history = Run().fit(3, tmp_path, validate=lambda model: {"AP": next(values)})
    assert [record["AP"] for record in history] == [0.2, 0.5, 0.1]
    assert {"loss_objectness", "loss_classifier", "seconds", "step"} <= set(history[0])
    assert history[-1]["step"] == 9
    _, best = load_checkpoint(tmp_path / "best.npz")
    _, last = load_checkpoint(tmp_path / "last.npz")
    assert best["training"]["epoch"] == 2 and last["training"]["epoch"] == 3


def test_each_epoch_is_told_once_it_is_saved(tmp_path):
    told = []

    def note(history):
        saved = load_checkpoint(tmp_path / "last.npz")[1]["training"]["epoch"]
        told.append(([record["epoch"] for record in history], saved))

    Run().fit(2, tmp_path, on_epoch=note)
    assert told == [([1], 1), ([1, 2], 2)]
    Run().fit(3, tmp_path, on_epoch=note, resume=True)  # first what was there before
    assert told[2:] == [([1, 2], 2), ([1, 2, 3], 3)]
    Run().fit(3, tmp_path, on_epoch=note, resume=True)
    assert told[4:] == [([1, 2, 3], 3)]
    Run().fit(1, tmp_path / "new", on_epoch=lambda history: None, resume=True)


@pytest.mark.parametrize("stop_before", ["last.npz", "best.npz"])
@pytest.mark.parametrize("epoch", [1, 2])
def test_a_training_that_is_stopped_while_it_saves_loses_no_best_weights(
    tmp_path, monkeypatch, stop_before, epoch
):
    """The best weights were never written again if it stopped between the two."""
    scores = {1: 0.2, 2: 0.5, 3: 0.1}

    def run(resume=False):
        run = Run()
        steps = run.step
        validate = lambda model: {"AP": scores[steps.steps // 3]}  # noqa: E731
        run.fit(3, tmp_path, validate=validate, resume=resume)

    real, named = os.replace, []

    def stopped(unfinished, path):
        named.append(path.name)
        if path.name == stop_before and named.count("last.npz") >= epoch:
            raise KeyboardInterrupt
        real(unfinished, path)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", stopped)
        run()
    run(resume=True)
    assert {path.name for path in tmp_path.iterdir()} == {"best.npz", "last.npz"}
    assert load_checkpoint(tmp_path / "last.npz")[1]["training"]["epoch"] == 3
    best = load_checkpoint(tmp_path / "best.npz")[1]["training"]
    assert (best["epoch"], best["best"]) == (2, 0.5)


def saved(path):
    return load_checkpoint(path)[1]["training"]


@pytest.mark.parametrize("values", [[0.2, 0.5], [0.5, 0.5], [float("nan")] * 2])
@pytest.mark.parametrize("there", [None, b"damaged", "of another training"])
def test_best_weights_that_are_also_the_last_are_written_again(tmp_path, values, there):
    """A version of before wrote the last weights first, and left the best out after a stop."""
    given = iter(values)
    Run().fit(2, tmp_path, validate=lambda model: {"AP": next(given)})
    before = (tmp_path / "best.npz").read_bytes()
    (tmp_path / "best.npz").unlink()
    if there == "of another training":
        Run().fit(2, tmp_path / "other", validate=lambda model: {"AP": 0.5})
        (tmp_path / "other" / "best.npz").rename(tmp_path / "best.npz")
    elif there is not None:
        (tmp_path / "best.npz").write_bytes(there)
    Run().fit(2, tmp_path, resume=True)
    assert (tmp_path / "best.npz").read_bytes() == before == (tmp_path / "last.npz").read_bytes()


def test_best_weights_that_somebody_took_away_are_missed_aloud(tmp_path):
    values = iter([0.5, 0.2, 0.1, 0.15])
    validate = lambda model: {"AP": next(values)}  # noqa: E731
    Run().fit(2, tmp_path, validate=validate)
    (tmp_path / "best.npz").unlink()
    with pytest.warns(UserWarning, match=r"best.npz: the weights of epoch 1, the best by AP, are"):
        Run().fit(3, tmp_path, validate=validate, resume=True)
    assert saved(tmp_path / "best.npz")["epoch"] == 2  # those that were the latest then
    Run().fit(4, tmp_path, validate=validate, resume=True)  # and nothing is missed any more
    assert (saved(tmp_path / "best.npz")["epoch"], saved(tmp_path / "last.npz")["best"]) == (2, 0.2)


def test_a_pixel_that_is_no_number_is_not_blamed_on_the_learning_rate(tmp_path):
    class Spoilt:
        classes = DATA.classes

        def __len__(self):
            return 4

        def __getitem__(self, index):
            image, target = DATA[index]
            if index == 2:
                image = image.copy()
                image[0, 3, 4] = np.nan
            return image, target

    named = DATA[2][1]["image_id"]
    with pytest.raises(ValueError, match=f"image {named}: 1 of its 6912 numbers are NaN") as said:
        Run().fit(1, tmp_path, data=Spoilt())
    assert "learning rate" not in str(said.value) and not any(tmp_path.iterdir())


def test_losses_far_above_the_first_ones_end_a_training(tmp_path):
    """With a rate of 1000 it ended with status 0 and a loss of 1e15, called the best."""
    run = Run(lr=1000.0)
    with np.errstate(all="ignore"), pytest.raises(DivergenceError) as caught:
        run.fit(3, tmp_path, validate=lambda model: {"AP": 0.0})
    message = str(caught.value)
    parts = ("diverged in epoch 1: loss", "the losses began at 2.59", "images farmyard-3-",
             "smallest box", "learning rate 1e+03 for a batch of 2")  # fmt: skip
    assert all(part in message for part in parts), message
    assert not any(tmp_path.iterdir())


def test_what_would_make_a_checkpoint_useless_ends_a_training(tmp_path):
    """NaN in a running statistic of batch normalisation shows in no training loss."""
    run = Run()
    history = run.fit(1, tmp_path)
    before = (tmp_path / "last.npz").read_bytes()
    buffers = dict(run.model.named_buffers())
    name = next(name for name in buffers if name.endswith("running_var"))
    buffers[name].data[1] = np.nan
    wrong = f"in epoch 1: {name} holds NaN or infinity; .*images"
    with pytest.raises(DivergenceError, match=wrong):
        run.fit(2, tmp_path, resume=False, validate=lambda model: {"AP": 1.0})
    assert (tmp_path / "last.npz").read_bytes() == before and len(history) == 1


def test_the_terms_of_a_training_stand_in_its_checkpoints(tmp_path):
    terms = {"seed": 3, "recipe": {"lr": 0.5, "scale": [1, 2]}}
    Run().fit(1, tmp_path, terms=terms)
    assert load_checkpoint(tmp_path / "last.npz")[1]["training"]["terms"] == terms
    Run().fit(2, tmp_path, resume=True)
    assert load_checkpoint(tmp_path / "last.npz")[1]["training"]["terms"] is None


def test_epochs_are_told_line_by_line_on_standard_output(tmp_path, capsys):
    step = GradientStep(
        model := tiny_detector(DATA.classes), SGD(model.parameters(), lr=0.01), ConstantLR(0.01)
    )
    fit(step, DataLoader(DATA, 2), epochs=2, rng=np.random.default_rng(0))
    captured = capsys.readouterr()
    assert [line.split(":")[0] for line in captured.out.splitlines()] == ["epoch 1", "epoch 2"]
    assert captured.err == ""  # no bar where no terminal is


def test_a_segmenter_learns_through_the_same_loop(tmp_path):
    model = BrightnessSegmenter(("dark", "grey", "light"), levels=(0.9, 0.2, 0.4))
    step = GradientStep(model, Adam(model.parameters(), lr=0.02), ConstantLR(0.02))
    metric = functools.partial(SegmentationMetric, model.classes)
    validate = validator(Stripes(3, seed=9), metric, ("mIoU",))
    assert validate(model)["mIoU"] < 0.2
    loader = DataLoader(Stripes(8), 2, shuffle=True, rng=np.random.default_rng(1))
    history = fit(
        step, loader, epochs=12, rng=np.random.default_rng(2), validate=validate, best_by="mIoU",
        out=tmp_path, progress=False,
    )  # fmt: skip
    assert history[-1]["mIoU"] == 1 and history[-1]["loss_pixels"] < history[0]["loss_pixels"] / 2
    assert (np.diff(model.levels.data) > 0.2).all()  # in the order of the classes now
    _, best = load_checkpoint(tmp_path / "best.npz")
    reached = [record["mIoU"] for record in history]
    assert best["training"]["best"] == max(reached)
    assert reached[best["training"]["epoch"] - 1] == max(reached)


class Drawing(BrightnessSegmenter):
    """Drops colours in training, and its loss draws from the generator that `fit` hands on."""

    def __init__(self):
        super().__init__(("dark", "grey", "light"))
        self.drop = Dropout(0.5, rng=np.random.default_rng(5))

    def forward(self, x, *record):
        return super().forward(self.drop(x), *record)

    def loss(self, images, targets, rng=None):
        losses = super().loss(images, targets)
        return {name: loss * float(rng.uniform(0.5, 2)) for name, loss in losses.items()}


def test_resuming_goes_on_where_dropout_and_sampling_stood(tmp_path):
    def run(epochs, out=None, seed=2):
        model = Drawing()
        step = GradientStep(model, Adam(model.parameters(), lr=0.02), ConstantLR(0.02))
        loader = DataLoader(Stripes(4), 2, shuffle=True, rng=np.random.default_rng(1))
        rng = np.random.default_rng(seed)
        history = fit(step, loader, epochs=epochs, rng=rng, out=out, resume=True, progress=False)
        return [record["loss_pixels"] for record in history]

    whole = run(3)
    run(2, tmp_path)
    assert run(3, tmp_path, seed=77) == whole  # the checkpoint brings the generator's state


def test_divergence_of_a_segmenter_names_images_and_pixels():
    model = BrightnessSegmenter(("a", "b", "c"), levels=(0.0, float("nan"), 1.0))
    step = GradientStep(model, Adam(model.parameters(), lr=0.02), ConstantLR(0.02))
    with np.errstate(all="ignore"), pytest.raises(DivergenceError) as caught:
        fit(step, DataLoader(Stripes(2), 2), epochs=1, rng=np.random.default_rng(2), progress=False)
    message = str(caught.value)
    assert "loss_pixels is nan" in message and "stripes0" in message and "stripes1" in message
    assert "fewest pixels with a class 24 of 24 (stripes0)" in message and "box" not in message


def test_divergence_names_term_images_box_and_rate(tmp_path):
    run = Run(lr=1e9, max_norm=float("inf"))
    diverges = pytest.raises(DivergenceError, match=r"diverged at step \d+")
    with np.errstate(all="ignore"), diverges as caught:
        run.fit(5, tmp_path)
    message = str(caught.value)
    parts = (" is ", "images farmyard-3-", "smallest box", "learning rate 1e+09 for a batch of 2")
    assert all(part in message for part in parts), message


class BadLabels:
    """A data set with one label that the model does not know."""

    classes = DATA.classes

    def __len__(self):
        return 2

    def __getitem__(self, index):
        image, target = DATA[index]
        return image, {**target, "labels": target["labels"] + 90}


def test_labels_the_model_does_not_know_are_refused(tmp_path):
    with pytest.raises(ValueError, match="label"):
        Run().fit(1, tmp_path, data=BadLabels())


def test_a_loader_without_a_batch():
    with pytest.raises(ValueError, match="no batch to train on; it has 0 images, batch_size=2"):
        Run().fit(1, None, data=Stripes(0))


# What a run remembers.


def make_state(
    seed=0, description=DESCRIPTION, optimizer=None, generators=("fit", "loader"), out=2
):
    model = Linear(3, out, rng=np.random.default_rng(seed))
    rngs = {name: np.random.default_rng([seed, i]) for i, name in enumerate(generators)}
    make = optimizer or (lambda parameters: SGD(parameters, lr=0.1, momentum=0.9))

    def loss(images, targets, rng):
        return {"loss": (model(Tensor(images[0])) ** 2).sum()}

    step = GradientStep(model, make(model.parameters()), ConstantLR(0.1), loss)
    return TrainingState(step, rngs, description)


def learn(state):
    """One step of learning that also draws from every generator."""
    noise = sum(rng.normal(size=(4, 3)) for rng in state.generators.values())
    state.step([noise.astype(np.float32)], [{}], np.random.default_rng(0))


def test_goes_on_as_if_never_stopped(tmp_path):
    run = make_state()
    learn(run)
    run.epoch, run.history = 1, [{"epoch": 1, "loss": 0.1}]
    assert run.note_value(0.25)
    run.save(tmp_path / "last.npz")
    learn(run)

    again = make_state(seed=5)  # other weights and other generators, until the file is loaded
    again.load(tmp_path / "last.npz")
    assert (again.epoch, again.step.steps, again.best) == (1, 1, 0.25)
    assert again.history == [{"epoch": 1, "loss": 0.1}]
    learn(again)
    np.testing.assert_array_equal(again.step.model.weight.data, run.step.model.weight.data)
    for name, rng in run.generators.items():
        assert again.generators[name].random() == rng.random()


def test_a_saved_state_does_not_move_with_the_run(tmp_path):
    """Loading the same file twice gives the same numbers: the file's state is not shared."""
    run = make_state()
    run.save(tmp_path / "last.npz")
    draws = []
    for _ in range(2):
        run.load(tmp_path / "last.npz")
        draws.append(run.generators["fit"].random())
    assert draws[0] == draws[1]


def test_without_a_value_there_is_no_best(tmp_path):
    make_state().save(tmp_path / "last.npz")
    other = make_state()
    other.best = 3.0
    other.load(tmp_path / "last.npz")
    assert other.best == float("-inf")


def test_best_value():
    run, nan = make_state(), float("nan")
    answers = [(nan, True), (nan, True), (0.0, True), (nan, False), (0.0, True), (0.5, True)]
    for value, best in answers:
        assert run.note_value(value) is best
    assert run.best == 0.5
    assert not run.note_value(0.4) and run.best == 0.5


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
    run = make_state()
    learn(run)
    run.save(tmp_path / "last.npz")
    mine = make_state(**other)
    with pytest.raises(WeightsError, match=message) as caught:
        mine.load(tmp_path / "last.npz")
    assert str(tmp_path / "last.npz") in str(caught.value)
    assert (mine.epoch, mine.step.steps, mine.history) == (0, 0, [])


def test_weights_alone_are_refused(tmp_path):
    save_checkpoint(tmp_path / "weights.npz", {"model/weight": np.ones(2)}, DESCRIPTION)
    with pytest.raises(WeightsError, match="holds weights alone, no training to resume"):
        make_state().load(tmp_path / "weights.npz")


def test_a_missing_generator_is_left_out(tmp_path):
    run = TrainingState(make_state().step, {"fit": None}, {})
    run.save(tmp_path / "last.npz")
    run.load(tmp_path / "last.npz")
    assert run.generators == {}


def test_the_model_can_be_taken_out_of_the_file(tmp_path):
    run = make_state()
    learn(run)
    run.save(tmp_path / "last.npz")
    arrays, description = load_checkpoint(tmp_path / "last.npz")
    taken = part_of(arrays, MODEL)
    assert set(taken) == {"weight", "bias"} and len(arrays) > 2
    np.testing.assert_array_equal(taken["weight"], run.step.model.weight.data)
    assert description["system"] == "line" and description["sizes"] == [3, 2]
