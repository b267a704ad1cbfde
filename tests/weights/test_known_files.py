"""The published files that are known by name."""

import pytest

from minicv.weights import WeightsError
from minicv.weights.checksums import published_sum
from minicv.weights.known_files import KNOWN_FILES, find_known


def test_each_file_brings_its_sum_and_is_found_by_its_name():
    files = [known.file for known in KNOWN_FILES]
    assert len(set(files)) == len(files) == 10
    for known in KNOWN_FILES:
        assert len(published_sum(known.file)) == 8
        assert find_known(known.file) == known
        assert find_known(known.network).network == known.network
        assert known.url == f"https://download.pytorch.org/models/{known.file}"


def test_a_network_stands_for_its_first_file():
    assert find_known("resnet50").file == "resnet50-0676ba61.pth"
    assert find_known("resnet50-11ad3fa6.pth").file == "resnet50-11ad3fa6.pth"


def test_an_unknown_name_is_told_the_nearest_and_all():
    with pytest.raises(WeightsError) as refused:
        find_known("maskrcnn_resnet50")
    said = str(refused.value)
    assert said.startswith("'maskrcnn_resnet50': no published file is known by this name; did you ")
    assert "mean 'maskrcnn_resnet50_fpn'? Known are alexnet, vgg16, " in said
    assert all(known.network in said for known in KNOWN_FILES)
    assert said.endswith("and the file resnet50-11ad3fa6.pth; a URL is taken too")
    with pytest.raises(WeightsError, match="this name; known are alexnet"):
        find_known("")
