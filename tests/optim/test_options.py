"""What is no parameter, no number or no schedule is refused, with what to write instead."""

import re

import numpy as np
import pytest

from minicv import Tensor, nn
from minicv.optim import (
    SGD,
    Adam,
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearWarmup,
    MultiStepLR,
    OneCycleLR,
    StepLR,
    WarmupThen,
    clip_grad_norm,
    clip_grad_value,
)

MODEL = nn.Sequential(nn.Linear(3, 2, rng=np.random.default_rng(0)), nn.ReLU())


def sgd(params=None, lr=0.1, **options):
    return SGD(MODEL.parameters() if params is None else params, lr, **options)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (MODEL, "params is the module Sequential; write model.parameters()"),
        (MODEL.parameters, "params is a function; call it: model.parameters()"),
        (MODEL.state_dict(), "params is a dictionary; write model.parameters()"),
        ({"params": MODEL.parameters()}, "params is a dictionary; write [group], a list"),
        (nn.Parameter([1.0]), "params is a single Parameter; write [parameter], a list"),
        (5, "params must be parameters, such as model.parameters(), but is 5"),
        ("weights", "but is 'weights'"),
        ([np.zeros(2)], "group 0 has a ndarray among its parameters; pass e.g. model.parameters()"),
        (list(MODEL.named_parameters()), "write model.parameters(), without names"),
        ([{"params": MODEL}], "params is the module Sequential; write model.parameters()"),
        ([{"lr": 0.1}], "group 0 must be a dictionary with the key 'params' but is ['lr']"),
        ([{"params": [nn.Parameter([1.0])]}, 5], "group 1 must be a dictionary"),
        ([nn.Parameter([1.0]), {"params": []}], "group 0 has a dict among its parameters"),
        ([Tensor(np.arange(3))], "a parameter of int64"),
        ([Tensor(np.zeros(3, np.float16))], 'of float16, .* model.astype("float32")'),
    ],
)
@pytest.mark.parametrize("make", [sgd, Adam])
def test_what_are_no_parameters(make, params, message):
    message = re.escape(message).replace(re.escape(".* "), ".*")
    with pytest.raises(TypeError, match=f"^{'SGD' if make is sgd else 'Adam'}: .*{message}"):
        make(params)


@pytest.mark.parametrize("clip", [clip_grad_norm, clip_grad_value])
def test_clipping_refuses_the_same(clip):
    with pytest.raises(TypeError, match=rf"^{clip.__name__}: params is the module .* write model"):
        clip(MODEL, 1.0)
    with pytest.raises(TypeError, match=f"^{clip.__name__}: params has a ndarray among"):
        clip([np.zeros(2)], 1.0)
    for limit in ("1", None, np.zeros(2)):
        with pytest.raises(TypeError, match="must be a number but is"):
            clip(MODEL.parameters(), limit)


def test_a_single_parameter_is_clipped_and_not_gone_through():
    parameter = nn.Parameter([0.0, 0.0])
    parameter.grad = np.array([3.0, 4.0], np.float32)
    assert clip_grad_norm(parameter, 1.0) == 5.0
    np.testing.assert_allclose(parameter.grad, [0.6, 0.8], rtol=1e-6)


def test_the_learning_rate_must_be_given():
    with pytest.raises(TypeError, match=r"^SGD: lr, the learning rate, is missing; pass e.g. lr="):
        SGD(MODEL.parameters())
    with pytest.raises(TypeError, match=r"^SGD: params is the module"):
        SGD(MODEL)
    own = SGD([{"params": MODEL.parameters(), "lr": 0.5}])
    own.set_lr(0.25)
    assert own.param_groups[0]["lr"] == 0.25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": "0.1"}, "lr must be a number but is '0.1'"),
        ({"lr": StepLR(0.1, 3)}, "lr must be a number but is a StepLR; a schedule knows nothing"),
        ({"lr": Tensor([0.1])}, "lr must be a number but is a Tensor"),
        ({"momentum": "0.9"}, "momentum must be a number but is '0.9'"),
        ({"weight_decay": None}, "weight_decay must be a number but is None"),
        ({"dampening": []}, r"dampening must be a number but is \[\]"),
    ],
)
def test_options_of_sgd_are_numbers(options, message):
    with pytest.raises(TypeError, match=f"^SGD: {message}"):
        sgd(**options)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5])
def test_options_are_finite_and_not_negative(value):
    for option in ("lr", "momentum", "weight_decay"):
        with pytest.raises(ValueError, match=f"^SGD: {option} must (not be negative|be finite)"):
            sgd(**{option: value})
    with pytest.raises(ValueError, match=r"^SGD.set_lr: lr must"):
        sgd().set_lr(value)
    with pytest.raises(ValueError, match=r"^Adam: eps must"):
        Adam(MODEL.parameters(), eps=value)


@pytest.mark.parametrize("betas", [0.9, (0.9,), (0.9, 0.99, 0.999), "ab", None])
def test_betas_are_two(betas):
    with pytest.raises(TypeError, match=r"^Adam: betas must be"):
        Adam(MODEL.parameters(), betas=betas)


def test_numbers_of_numpy_become_pythons_and_do_not_widen():
    optimizer = sgd(lr=np.float64(0.1), momentum=np.float32(0.5))
    assert type(optimizer.param_groups[0]["lr"]) is float
    optimizer.set_lr(np.float64(0.2))
    assert type(optimizer.param_groups[0]["lr"]) is float


@pytest.mark.parametrize(
    "make",
    [
        lambda first: StepLR(first, 3),
        lambda first: StepLR(first, step_size=3, gamma=0.1),
        lambda first: MultiStepLR(first, [30, 60]),
        lambda first: CosineAnnealingLR(first, 10),
        lambda first: ConstantLR(first),
        lambda first: LinearWarmup(first, 10),
        lambda first: ExponentialLR(first, 0.9),
    ],
)
def test_schedules_take_a_rate_and_no_optimizer(make):
    """PyTorch's schedules take the optimizer first."""
    with pytest.raises(TypeError, match=r"LR: base_lr must be a number but is a SGD; .*set_lr\("):
        make(sgd())
    with pytest.raises(TypeError, match=r"LR: base_lr must be a number but is .0\.1."):
        make("0.1")


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: StepLR(0.1, 2.5), TypeError, "StepLR: step_size must be a whole number"),
        (lambda: StepLR(0.1, 3, "x"), TypeError, "StepLR: gamma must be a number but is 'x'"),
        (lambda: StepLR(-0.1, 3), ValueError, "StepLR: base_lr must not be negative but is -0.1"),
        (lambda: StepLR(float("nan"), 3), ValueError, "StepLR: base_lr must be finite"),
        (lambda: MultiStepLR(0.1, 30), TypeError, "MultiStepLR: milestones must be a tuple"),
        (lambda: MultiStepLR(0.1, ("a",)), TypeError, "each of milestones must be a number"),
        (lambda: CosineAnnealingLR(0.1, None), TypeError, "T_max must be a whole number"),
        (lambda: WarmupThen(0.1, 10), TypeError, "WarmupThen: schedule must be a schedule, such"),
        (lambda: WarmupThen(ConstantLR(0.1), "x"), TypeError, "warmup_steps must be a number"),
        (lambda: OneCycleLR(sgd(), 0.1), TypeError, "OneCycleLR: max_lr must be .* is a SGD; a sc"),
        (lambda: OneCycleLR(0.1, 1.5), TypeError, "total_steps must be a whole number but is 1.5"),
        (lambda: sgd().set_lr(StepLR(0.1, 3)), TypeError, "set_lr: lr must be a number but is a S"),
        (lambda: sgd().load_state_dict(None), TypeError, "SGD.load_state_dict: expected what"),
        (lambda: sgd().load_state_dict("a.npz"), TypeError, "SGD.load_state_dict: expected what"),
    ],
)
def test_other_wrong_types(make, kind, message):
    with pytest.raises(kind, match=message):
        make()
