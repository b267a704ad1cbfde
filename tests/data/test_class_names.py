"""Names of classes: what is alike, and what is matched."""

import pytest

from minicv.data.class_names import match_names, names_alike


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["cow", "Cow"], [["cow", "Cow"]]),
        (["cow ", "cow", "  COW"], [["cow ", "cow", "  COW"]]),
        (["traffic light", "traffic_light", "TrafficLight", "light"],
         [["traffic light", "traffic_light", "TrafficLight"]]),
        (["T-shirt", "tshirt", "a\tb", "a b"], [["T-shirt", "tshirt"], ["a\tb", "a b"]]),
        (["STRASSE", "straße"], [["STRASSE", "straße"]]),
        (["cow", "cows"], []),
        (["class 1", "class 11"], []),
        ([], []),
    ],
)  # fmt: skip
def test_alike(names, groups):
    assert list(names_alike(names)) == groups


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (["cow", "duck"], ["duck", "cow"], {"cow": "cow", "duck": "duck"}),
        (["Cow"], ["cow", "duck"], {"Cow": "cow"}),
        (["pig"], ["cow"], {}),
        # The same name comes first: "Cow" of the data is then nothing of ours.
        (["cow", "Cow"], ["cow"], {"cow": "cow"}),
        (["cow", "Cow"], ["Cow"], {"Cow": "Cow"}),
        # Nothing is guessed where two could be meant.
        (["COW", "Cow"], ["cow"], {}),
        (["COW"], ["cow", "Cow"], {}),
        (["stop_sign", "person"], ["person", "stop sign"], {"stop_sign": "stop sign",
                                                            "person": "person"}),
        ([], ["cow"], {}),
    ],
)  # fmt: skip
def test_matched(theirs, ours, expected):
    assert match_names(theirs, ours) == expected
