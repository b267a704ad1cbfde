"""The page: every system gives one, with all of its stages, in one file."""

import base64
import dataclasses
import json
import re

import numpy as np
import pytest
from PIL import Image

from minicv.explain import explain
from minicv.explain.encoding import packed, picture_url
from minicv.tasks import SYSTEMS, Spec, build

CLASSES = ("cow", "<duck>")
# Settings that make large systems small and quick.
SMALL = {
    "deconvnet": {"width": 1 / 64},
    "full_resolution": {"width": 4, "depth": 1},
    "patch_classifier": {"patch_size": 8, "channels": (4,), "kernel_size": 3, "units": 8},
    "fast_rcnn": {"min_size": 40, "max_size": 64, "head_units": 8},
    "spp_net": {"scales": (40,), "max_size": 64, "head_units": 8},
    "rcnn": {"warp_size": 16, "context": 2, "pooled_size": 2, "head_units": 8},
}
SIZES = {"faster_rcnn", "mask_rcnn", "keypoint_rcnn", "mask_keypoint_rcnn"}
ELSEWHERE = re.compile(
    r"""(?:src|href|srcset|action)\s*=\s*["'](?!data:|\#)|url\(|@import|fetch\("""
)


def model_of(name):
    system = SYSTEMS[name]
    backbone = system.backbone(None)
    changes = {"min_size": 48, "max_size": 64, "head_units": 8} if name in SIZES else {}
    settings = dataclasses.replace(system.settings[backbone], **SMALL.get(name, changes))
    proposals = "sliding_window" if system.on_proposals else None
    classes = ("person",) if name == "deep_pose" else CLASSES
    return build(Spec(name, classes, settings, backbone, proposals), np.random.default_rng(0))


def photograph(size=(36, 48)):
    return np.random.default_rng(1).random((3, *size), dtype=np.float32)


def data_of(page):
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(text)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_has_a_page(name):
    model = model_of(name)
    page = explain(model, SYSTEMS[name], photograph(), "<my> photo.jpg", "best.npz")
    stages = model.stages(photograph())
    sections = re.findall(r'<section class="stage" id="(.*?)"', page)
    assert sections == [f"stage-{number}" for number in range(1, len(stages) + 1)]
    assert [stage["name"] for stage in data_of(page)["stages"]] == [stage.name for stage in stages]
    assert page.count("<figure>") == page.count("<h3>Code</h3>") == len(stages)
    for stage in stages:
        for array, value in stage.arrays.items():
            shape = " × ".join(f"{size:,}" for size in np.shape(value)) or "one number"
            assert f'<th scope="row">{array}</th><td>{shape}</td>' in page
    without_data = re.sub(r"data:image/\w+;base64,[\w+/=]+", "data:", page)
    without_code = re.sub(r"<pre\b.*?</pre>", "", without_data, flags=re.S)
    assert not ELSEWHERE.findall(without_code)  # in markup, style and script
    assert "<my>" not in page and "<duck>" not in page and "&lt;my&gt; photo.jpg" in page
    assert len(page.encode()) < 5_000_000


def test_packed_arrays_come_back():
    numbers = np.array([[0.0, -1.5, 3.25], [0.1, 65504.0, -0.0]])
    form = packed(numbers)
    assert form["dtype"] == "float16" and form["shape"] == [2, 3]
    again = np.frombuffer(base64.b64decode(form["base64"]), "<f2").reshape(2, 3)
    np.testing.assert_array_equal(again, numbers.astype(np.float16))
    assert packed(np.array([True, False]))["base64"] == base64.b64encode(b"\1\0").decode()
    assert packed(np.array([3]), "float32")["dtype"] == "float32"


def test_a_picture_that_is_large_is_small_in_the_page():
    assert len(picture_url(Image.new("RGB", (1200, 900)))) < 20_000
