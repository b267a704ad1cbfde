"""What the pages say of results is in the records, and the records' recipes are those of today."""

import dataclasses
import json
import re
import shlex
from pathlib import Path

import pytest

from benchmarks.__main__ import BENCHMARKS
from benchmarks.record import RESULTS
from minicv.cli.main import _parser
from minicv.tasks import SYSTEMS

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
RECORDS = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted(RESULTS.glob("*.json"))
}


def trained_by_command(record):
    return record.get("command", "").startswith("minicv train ")


# All trainings by the command line, by the name of the record and of the system.
TRAININGS = {name: record for name, record in RECORDS.items() if trained_by_command(record)}
TRAININGS |= {
    f"segmentation_farmyard/{system}": record
    for system, record in RECORDS["segmentation_farmyard"]["systems"].items()
    if trained_by_command(record)
}
TRAININGS |= {
    f"gans_fashion/{seed}": record for seed, record in RECORDS["gans_fashion"]["seeds"].items()
}


def test_benchmarks_that_the_pages_name_exist():
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    named = set(re.findall(r"python -m benchmarks ([a-z]+)", text))
    assert named == set(BENCHMARKS)


def rows_of_results():
    """The cells of each row of the tables of results."""
    lines = (REPOSITORY / "docs" / "results.md").read_text("utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]


@pytest.mark.parametrize("name", ["lineage_farmyard", "lineage_pennfudan"])
def test_map_of_the_lineage_is_the_records(name):
    rows = rows_of_results()
    for system, measured in RECORDS[name]["systems"].items():
        assert any(row[0] == system and row[4] == f"{measured['mAP']:.3f}" for row in rows), system


@pytest.mark.parametrize(
    ("training", "place", "metric"),
    [
        ("detection_penn_fudan", "Penn-Fudan, last 50", "AP50"),
        ("detection_bccd", "BCCD", "AP50"),
        ("segmentation_camvid_fcn8s", "FCN-8s on EfficientNet-Lite0", "mIoU"),
        ("segmentation_camvid_segnet", "SegNet, from random weights", "mIoU"),
        ("segmentation_farmyard/fcn8s", "FCN-8s on the small backbone", "mIoU"),
        ("segmentation_farmyard/segnet", "SegNet", "mIoU"),
        ("segmentation_farmyard/patch_classifier", "patch classifier, sliding", "mIoU"),
    ],
)
def test_metrics_of_one_system_are_the_records(training, place, metric):
    value = f"{TRAININGS[training]['test']['best'][metric]:.3f}"
    rows = [row for row in rows_of_results() if any(cell.startswith(place) for cell in row[:2])]
    assert any(value in row for row in rows), (value, rows)


@pytest.mark.parametrize("name", ["boxes_pennfudan", "boxes_bccd"])
def test_boxes_are_the_records_for_each_seed(name):
    rows = rows_of_results()
    for seed, measured in RECORDS[name]["test"].items():
        values = [f"{measured['last'][value]:.3f}" for value in ("AP", "AP50", "AP75")]
        expected = [seed, *values, f"{measured['best']['AP']:.3f}"]
        assert any(row[2:] == expected for row in rows), (name, expected)


@pytest.mark.parametrize("name", [name for name in RECORDS if name.startswith("instances_")])
def test_masks_and_joints_are_the_records(name):
    record = RECORDS[name]
    best = record["test"]["best"] if "test" in record else record["train"]["last"]
    kinds = ("", "mask ", "OKS ")
    shown = [f"{best[k + 'AP50']:.3f}, {best[k + 'AP']:.3f}" for k in kinds if k + "AP" in best]
    rows = rows_of_results()
    assert any(set(shown) <= set(row) for row in rows), (name, shown)


@pytest.mark.parametrize("training", TRAININGS)
def test_the_command_of_a_record_trains_by_the_same_numbers_today(training):
    record = TRAININGS[training]
    words = shlex.split(record["command"])[1:]
    options = _parser().parse_args([*words, "--out", "anywhere"])
    system = SYSTEMS[options.system]
    recipe = system.recipes[system.backbone(options.backbone)]
    given = {f.name: getattr(options, f.name, None) for f in dataclasses.fields(recipe)}
    recipe = recipe.changed(**given)
    now = json.loads(json.dumps(dataclasses.asdict(recipe)))
    then = dict(record["recipe"])
    assert then.pop("momentum", 0.9) == 0.9  # which every recipe by SGD has
    segmenter = system.task.name == "segmentation"
    if segmenter and options.data == "farmyard":  # drawn scenes are neither zoomed nor recoloured
        assert (then.pop("scale"), then.pop("jitter")) == ([1.0, 1.0], 0.0)
    elif segmenter:  # and photographs are, where nothing is said
        assert (now.pop("jitter"), then.pop("jitter")) == (None, 0.2)
    said = {name: value for name, value in now.items() if name in then and value is not None}
    assert said == {name: value for name, value in then.items() if now[name] is not None}


@pytest.mark.parametrize("seed", RECORDS["gans_fashion"]["seeds"])
def test_results_have_the_distances_of_each_gan(seed):
    record = RECORDS["gans_fashion"]["seeds"][seed]
    shown = {f"{record['fréchet distance']:.2f}", f"{record['untrained']:.1f}"}
    assert any(shown <= set(row) for row in rows_of_results())


def test_results_have_what_autoencoders_reach():
    errors = [RECORDS["autoencoders_conv"]["test"]["best"]["MSE"]]
    errors.append(RECORDS["autoencoders_conv"]["PCA"]["test MSE"])
    text = (REPOSITORY / "docs" / "results.md").read_text("utf-8")
    assert all(f"mean squared error {error:.4f}" in text for error in errors)
    elbo = RECORDS["autoencoders_vae"]["test"]["best"]["ELBO"]
    assert f"ELBO {elbo:.1f} nats" in text
