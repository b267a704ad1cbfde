"""Every system: built by its name, saved and loaded, and what is refused in one sentence."""

import dataclasses
import json
import re

import numpy as np
import pytest

from minicv.models.backbones import BACKBONES, PYRAMIDS
from minicv.tasks import SYSTEMS, Spec, build, load, save, system_named, table_of_systems
from minicv.tasks.systems import MODEL
from minicv.training.fit import model_arrays
from minicv.weights import WeightsError, load_checkpoint, save_checkpoint

CLASSES = ("cow", "duck")
# Settings that make large systems small, so that all can be built.
SMALL = {"deconvnet": {"width": 1 / 64}}


def spec_of(name, backbone=None):
    system = SYSTEMS[name]
    backbone = system.backbone(backbone)
    settings = dataclasses.replace(system.settings[backbone], **SMALL.get(name, {}))
    proposals = "sliding_window" if system.on_proposals else None
    classes = ("person",) if name == "deep_pose" else CLASSES
    return Spec(name, classes, settings, backbone, proposals)


@pytest.mark.parametrize("name", SYSTEMS)
def test_saved_and_loaded_it_is_the_same_model(tmp_path, name):
    spec = spec_of(name)
    model = build(spec, np.random.default_rng(3))
    assert model.classes == spec.classes and model.settings == spec.settings
    save(tmp_path / "model.npz", model, spec)
    again, system = load(tmp_path / "model.npz")
    assert type(again) is type(model) and system is SYSTEMS[name] and not again.training
    assert again.settings == spec.settings and again.classes == spec.classes
    kept = again.state_dict()
    for key, array in model.state_dict().items():
        np.testing.assert_array_equal(array, kept[key], err_msg=key)


@pytest.mark.parametrize("name", SYSTEMS)
def test_it_has_settings_and_a_recipe_for_each_backbone_and_knows_its_options(name):
    system = SYSTEMS[name]
    assert system.name == name and set(system.settings) == set(system.recipes)
    assert set(system.settings) == {None} or set(system.settings) <= {*BACKBONES, *PYRAMIDS}
    for backbone, recipe in system.recipes.items():
        fields = {f.name for f in dataclasses.fields(recipe)}
        fields |= {f.name for f in dataclasses.fields(system.settings[backbone])}
        assert set(system.options) <= fields


def test_the_description_survives_json():
    for name in SYSTEMS:
        described = spec_of(name).describe()
        assert described["system"] == name
        assert json.loads(json.dumps(described))["classes"] == list(spec_of(name).classes)


@pytest.mark.parametrize("backbone", ["resnet18", "alexnet"])
@pytest.mark.parametrize("name", ["faster_rcnn", "fcn8s"])
def test_every_backbone_can_be_stood_on(name, backbone):
    system = SYSTEMS[name]
    changes = {"head_units": 8} if name == "faster_rcnn" else {}
    settings = dataclasses.replace(system.settings[backbone], **changes)
    model = build(Spec(name, CLASSES, settings, backbone), np.random.default_rng(0))
    assert type(model.backbone) is BACKBONES[backbone]
    assert model.backbone.strides == ((16,) if name == "faster_rcnn" else (8, 16, 32))


def test_known_weights_freeze_a_detectors_backbone_and_noise_does_not():
    spec = spec_of("faster_rcnn", "resnet18")
    frozen = build(spec, np.random.default_rng(0)).backbone
    free = build(dataclasses.replace(spec, frozen=False), np.random.default_rng(0)).backbone
    assert not next(frozen.parameters()).requires_grad and next(free.parameters()).requires_grad
    assert frozen.state_dict().keys() == free.state_dict().keys()


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"system 'yolo': expected one of .*faster_rcnn"):
        system_named("yolo")
    with pytest.raises(ValueError, match="backbone 'vgg16': segnet is one piece and takes none"):
        build(dataclasses.replace(spec_of("segnet"), backbone="vgg16"), np.random.default_rng(0))
    with pytest.raises(ValueError, match="backbone 'none': fcn8s takes one of small, "):
        build(dataclasses.replace(spec_of("fcn8s"), backbone=None), np.random.default_rng(0))
    with pytest.raises(ValueError, match="backbone 'vgg19': rcnn takes one of small, "):
        SYSTEMS["rcnn"].backbone("vgg19")


def test_files_of_something_else(tmp_path):
    path = tmp_path / "w.npz"
    spec = spec_of("segnet")
    model = build(spec, np.random.default_rng(0))

    def sentence(description, arrays=None):
        save_checkpoint(path, arrays or {}, description)
        with pytest.raises(WeightsError) as caught:
            load(path)
        assert str(caught.value).startswith(f"{path}: ")
        return str(caught.value)

    described = spec.describe()
    assert "its description lacks system, classes" in sentence({"model": "fcn8s"})
    assert "weights of another model ('yolo'" in sentence({**described, "system": "yolo"})
    settings = {**described["settings"], "colour": 3}
    assert "settings of another version" in sentence({**described, "settings": settings})
    assert "its backbone is 'vgg16', expected none" in sentence({**described, "backbone": "vgg16"})
    assert "do not fit their own description" in sentence(described)
    arrays = {MODEL + name: array for name, array in model.state_dict().items()}
    save_checkpoint(path, arrays, described)
    assert load(path)[0].classes == CLASSES
    # As checkpoints were before there was a format.
    arrays, description = load_checkpoint(path)
    np.savez(path, **arrays, __description__=np.array(json.dumps(description)))
    with pytest.raises(WeightsError, match="train"):
        load(path)


def test_the_table_of_the_readme_names_every_system():
    *rows, proposers = table_of_systems().splitlines()[2:]
    of_tasks = [row for row in rows if not row.startswith("| on ")]
    assert re.findall(r"`(\w+)`", "".join(of_tasks)) == list(SYSTEMS)
    assert "`rcnn` R-CNN (Girshick 2014) |" in of_tasks[0]
    assert "`segnet` SegNet" in next(row for row in of_tasks if row.startswith("| segmentation |"))
    standing = {}
    for row in rows[len(of_tasks) :]:
        backbones, systems = row.removeprefix("| on ").split(" | ")
        for backbone in backbones.split(", "):
            standing[backbone] = set(re.findall(r"`(\w+)`", systems))
    assert standing.keys() == {*BACKBONES, *PYRAMIDS}
    for backbone, systems in standing.items():
        assert systems == {name for name, own in SYSTEMS.items() if backbone in own.backbones}
    assert re.findall(r"`(\w+)`", proposers) == ["fast_rcnn", "spp_net", "rcnn"]


def test_colours_of_the_classes_are_kept_and_older_checkpoints_have_none(tmp_path):
    settings = SYSTEMS["segnet"].settings[None]
    colours = tuple((k, 2 * k, 255 - k) for k in range(len(CLASSES)))
    for given in (colours, None):
        spec = Spec("segnet", CLASSES, settings, colours=given)
        assert ("colours" in spec.describe()) == (given is not None)
        save(tmp_path / "a.npz", build(spec, np.random.default_rng(0)), spec)
        model, _ = load(tmp_path / "a.npz")
        assert model.colours == given


@pytest.mark.parametrize(
    "colours",
    [[[1, 2, 3]], [[1, 2, 3], [1, 2]], [[1, 2, 3], [0, 0, 256]], "red", [1, 2], [[1.5] * 3] * 2],
)
def test_colours_that_are_none_are_refused(tmp_path, colours):
    spec = Spec("segnet", CLASSES, SYSTEMS["segnet"].settings[None])
    model = build(spec, np.random.default_rng(0))
    description = {**spec.describe(), "colours": colours}
    save_checkpoint(tmp_path / "a.npz", model_arrays(model), description)
    with pytest.raises(WeightsError, match=r"a\.npz: its colours (is|are) "):
        load(tmp_path / "a.npz")


def test_settings_that_an_older_checkpoint_lacks_have_their_defaults(tmp_path):
    spec = Spec("fast_rcnn", CLASSES, SYSTEMS["fast_rcnn"].settings["small"], "small", "edge_boxes")
    model = build(spec, np.random.default_rng(0))
    description = spec.describe()
    del description["settings"]["max_proposal_side"]
    save_checkpoint(tmp_path / "a.npz", model_arrays(model), description)
    assert load(tmp_path / "a.npz")[0].settings.max_proposal_side == 1000
