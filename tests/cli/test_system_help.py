"""``train SYSTEM --help``: one system's options, defaults and recipe, and nobody else's."""

import pytest

from minicv.cli.main import main
from minicv.cli.system_help import default_of, description_of
from minicv.data.sources import SOURCES
from minicv.tasks import SYSTEMS

FOR_SOME = {"scales", "upsampling", "width", "crop", "balance", "min_size", "max_size", "jitter"}


def help_of(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["train", *words, "--help"])
    assert ended.value.code == 0
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_shows_its_own_options_and_numbers(capsys, name):
    system, text = SYSTEMS[name], help_of(capsys, name)
    assert text.startswith(f"usage: minicv train {name} --data DATA --out DIR")
    assert system.title in text and system.task.name in text
    for option in FOR_SOME:
        written = f" --{option.replace('_', '-')} "
        assert (written in text) is (option in system.options), option
    assert (" --proposals " in text) is system.on_proposals
    assert (" --backbone " in text) is bool(system.backbones)
    for recipe in system.recipes.values():
        for numbers in (f"epochs {recipe.epochs}", f"lr {recipe.lr:g}"):
            assert numbers in text
    for source in ("camvid", "pennfudan"):
        assert (f"{source}:DIR" in text) is SOURCES[source].gives(system.task.needs)


def test_the_order_of_words_does_not_matter(capsys):
    assert help_of(capsys, "segnet", "--data", "x") == help_of(capsys, "segnet")
    assert "usage: minicv train SYSTEM" in help_of(capsys)


def test_defaults_are_those_of_each_backbone():
    faster = SYSTEMS["faster_rcnn"]
    said = default_of(faster, "batch_size", "images in a step")
    light = "efficientnet_lite0, resnet18, efficientnet_lite0_fpn, resnet18_fpn"
    twos = light.replace("resnet18, ", "resnet18, small_fpn, ", 1)
    assert said.startswith(f"images in a step; default: 8 (small), 2 ({twos}), 1 (")
    assert default_of(faster, "min_size", "side; default: by the system") == (
        f"side; default: 128 (small, small_fpn), 320 ({light}), 600 (resnet50, alexnet, vgg16), "
        "800 (resnet50_fpn)"
    )
    assert default_of(SYSTEMS["segnet"], "crop", "window; default: their size") == (
        "window; default: their size"
    )
    heavy = "resnet50, alexnet, vgg16, resnet50_fpn"
    assert f"recipe on {heavy}: epochs 16, batch_size 1" in description_of(faster)
