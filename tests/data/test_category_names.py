"""Names of the classes of published weights: COCO's numbers with their gaps, and VOC's."""

from minicv.data.category_names import COCO_CATEGORIES, COCO_NUMBERED, VOC_SEGMENTATION

GAPS = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83]  # numbers that no category of COCO has


def test_cocos_numbers():
    assert len(COCO_NUMBERED) == 90 and len(COCO_CATEGORIES) == 80
    by_number = dict(enumerate(COCO_NUMBERED, start=1))
    known = {1: "person", 3: "car", 13: "stop sign", 16: "bird", 18: "dog", 21: "cow",
             44: "bottle", 52: "banana", 62: "chair", 67: "dining table", 70: "toilet", 72: "tv",
             77: "cell phone", 84: "book", 88: "teddy bear", 90: "toothbrush"}  # fmt: skip
    assert {number: by_number[number] for number in known} == known
    unused = [number for number, name in by_number.items() if name.startswith("unused")]
    assert unused == GAPS


def test_each_name_is_there_once():
    for names in (COCO_NUMBERED, COCO_CATEGORIES, VOC_SEGMENTATION):
        assert len(set(names)) == len(names) and all(names)
    assert [n for n in COCO_NUMBERED if not n.startswith("unused")] == list(COCO_CATEGORIES)


def test_vocs_numbers():
    assert len(VOC_SEGMENTATION) == 21
    known = {0: "background", 1: "aeroplane", 8: "cat", 12: "dog", 15: "person", 20: "tvmonitor"}
    assert {number: VOC_SEGMENTATION[number] for number in known} == known
