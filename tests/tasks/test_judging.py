"""A model on a data set with other classes: what is judged, by which numbers, and what is said."""

import dataclasses

import numpy as np
import pytest
from made_sets import Made, boxes_of, coloured

from minicv.tasks.detection import DETECTION
from minicv.tasks.instances import POSES
from minicv.tasks.judging import check_joints, judging
from minicv.tasks.segmentation import SEGMENTATION
from minicv.vision.label_maps import VOID

HERE, THERE = (2, 2, 20, 20), (40, 30, 60, 50)


def data(*classes, labels=(0, 0)):
    return Made([(coloured(0), boxes_of(HERE, THERE, labels=labels))], classes)


def found(*boxes, labels, scores):
    return {
        "boxes": np.array(boxes, np.float32),
        "labels": np.array(labels),
        "scores": np.array(scores, np.float32),
    }


def values_of(judged, result):
    metric = judged.metric()
    metric.add(result, judged.dataset[0][1])
    return metric.values()


def test_the_same_classes_need_no_word():
    cows = data("cow", "duck")
    judged = judging(DETECTION, ("cow", "duck"), cows)
    assert judged.dataset is cows and judged.sentences == () and judged.left_out == ()


def test_another_order_is_no_matter():
    judged = judging(DETECTION, ("duck", "cow"), data("cow", "duck", labels=(0, 1)))
    assert judged.sentences == () and judged.labelled == ("duck", "cow")
    result = found(HERE, THERE, labels=(1, 0), scores=(0.9, 0.8))
    assert values_of(judged, result)["AP50"] == 1
    wrong = found(HERE, THERE, labels=(0, 1), scores=(0.9, 0.8))
    assert values_of(judged, wrong)["AP50"] == 0


def test_a_model_of_cow_and_duck_on_a_set_of_cows():
    judged = judging(DETECTION, ("duck", "cow"), data("cow"), "cows.json")
    assert judged.labelled == ("cow",)
    assert judged.sentences == ("not judged, for cows.json does not label it: duck",)
    # Both cows are found, and so is a duck, surer than them, where nobody labelled any.
    result = found(
        HERE, THERE, (5, 30, 25, 50), HERE, labels=(1, 1, 0, 0), scores=(0.7, 0.6, 0.9, 1)
    )
    values = values_of(judged, result)
    assert values["AP50"] == values["AP50 cow"] == values["AP"] == 1
    assert np.isnan(values["AP50 duck"])


def test_an_unknown_object_is_left_out_and_a_cow_found_there_is_a_false_alarm():
    judged = judging(DETECTION, ("cow",), data("pig", "cow", labels=(0, 1)))
    assert judged.left_out == ("pig",)
    assert judged.sentences == ("left out, for the model does not know it: pig",)
    sure = found(THERE, labels=(0,), scores=(0.9,))
    assert values_of(judged, sure)["AP50"] == 1
    # Precision is 1/2 at the one cow, as the false alarm is surer.
    alarmed = found(THERE, HERE, labels=(0, 0), scores=(0.8, 0.9))
    assert values_of(judged, alarmed)["AP50"] == 0.5


def test_names_that_differ_by_case_are_one_class_and_it_is_said():
    judged = judging(DETECTION, ("cow", "traffic light"), data("Cow", "traffic_light", "pig"))
    assert judged.labelled == ("cow", "traffic light") and judged.left_out == ("pig",)
    assert judged.sentences[0] == (
        "taken as one class, though written in two ways: 'Cow' and 'cow', 'traffic_light' and "
        "'traffic light'"
    )


def test_no_class_in_common_is_refused_with_both_lists():
    with pytest.raises(ValueError, match="knows cow, duck, but sea labels fish: no class is in bo"):
        judging(DETECTION, ("cow", "duck"), data("fish"), "sea")


def test_pixels_of_unknown_classes_have_no_class_and_unlabelled_ones_no_iou():
    label_map = np.array([[0, 1, 1, 1, 2, VOID]])  # mud, cow, cow, cow, pig
    sample = (coloured(0, 1, 6), {"segmentation": label_map})
    meadow = Made([sample], (), ("mud", "cow", "pig"))
    judged = judging(SEGMENTATION, ("cow", "mud", "duck"), meadow)
    assert judged.labelled == ("cow", "mud") and judged.left_out == ("pig",)
    predicted = {"segmentation": np.array([[1, 0, 0, 2, 0, 0]])}  # mud, cow, cow, duck, cow, cow
    values = values_of(judged, predicted)
    assert values["IoU mud"] == 1 and values["IoU cow"] == 2 / 3  # the pig is nobody's error
    assert np.isnan(values["IoU duck"]) and values["mIoU"] == (1 + 2 / 3) / 2
    assert values["pixel accuracy"] == 0.75
    metric = judged.metric()
    metric.add(predicted, judged.dataset[0][1])
    rows = {line.split()[0]: line.split() for line in SEGMENTATION.report(metric)}
    assert rows["duck"][-1] == "-" and rows["cow"][-1] == "0.667" and rows["mIoU"][-1] == "0.833"


TELLING_APART = dataclasses.replace(DETECTION, needs=("label",), metric_of_some=None)


def of_classes(*labels, classes=("Cow", "pig", "duck"), known=True):
    made = Made([(coloured(k), {"label": label}) for k, label in enumerate(labels)], classes)
    if known:
        made.labels_of = lambda index: np.array([labels[index]])
    return made


@pytest.mark.parametrize("known", [False, True])
def test_pictures_of_a_class_that_the_model_lacks_are_left_out(known):
    judged = judging(TELLING_APART, ("duck", "cow"), of_classes(1, 0, 2, 1, known=known), "x")
    assert judged.left_out == ("pig",) and judged.labelled == ("duck", "cow")
    data = judged.dataset
    assert [data[index][1]["label"] for index in range(len(data))] == [1, 0]
    data = judging(TELLING_APART, ("duck", "pig", "cow"), of_classes(1, 0, 2, known=known)).dataset
    assert [data[index][1]["label"] for index in range(len(data))] == [1, 2, 0]


def test_no_picture_of_a_class_that_the_model_knows():
    with pytest.raises(ValueError, match="no picture of x is of a class that the model knows"):
        judging(TELLING_APART, ("duck", "cow"), of_classes(1, 1), "x")


def test_joints_must_be_the_same_ones_in_the_same_order():
    class Jointed(Made):
        joint_names = ("left_hip", "Right-Hip", "neck")

    data = Jointed([], ("cow",))
    check_joints(POSES, ("left hip", "right hip", "neck"), data)
    check_joints(DETECTION, (), data)  # which looks at boxes alone
    for joints in (("right hip", "left hip", "neck"), ("left hip", "right hip"), ()):
        with pytest.raises(
            ValueError, match=r"but those of sea are left_hip, Right-Hip, neck; exp"
        ):
            check_joints(POSES, joints, data, "sea")
    with pytest.raises(ValueError, match="the joints neck, but those of the data are nothing"):
        check_joints(POSES, ("neck",), Made([], ("cow",)))
