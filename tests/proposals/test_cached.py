"""CachedProposals: each picture once, whatever the rng; parameters and pixels tell files apart."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from minicv.proposals import CachedProposals

CALLS: list[int] = []


@dataclass(frozen=True)
class Counting:
    """One box at a random place; notes that it was asked."""

    side: float = 4.0
    weights: np.ndarray = field(default_factory=lambda: np.zeros(2000))

    def propose(self, image, rng):
        CALLS.append(1)
        x, y = rng.random(2)
        return (
            np.array([[x, y, x + self.side, y + self.side]], np.float32),
            np.ones(1, np.float32),
        )


class WithoutRepr:
    def propose(self, image, rng):
        raise AssertionError("must not be asked")


@pytest.fixture(autouse=True)
def _no_calls_yet():
    CALLS.clear()


def image(seed=0):
    return np.random.default_rng(seed).random((3, 8, 9), dtype=np.float32)


def test_each_picture_is_looked_at_once(tmp_path):
    first = CachedProposals(Counting(), tmp_path).propose(image(), np.random.default_rng(0))
    again = CachedProposals(Counting(), tmp_path).propose(image(), np.random.default_rng(1))
    assert len(CALLS) == 1
    for kept, made in zip(again, first, strict=True):
        np.testing.assert_array_equal(kept, made)
        assert kept.dtype == np.float32


def test_the_answer_does_not_depend_on_the_rng_or_the_folder(tmp_path):
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    first, _ = CachedProposals(Counting(), tmp_path / "a").propose(image(), rng)
    second, _ = CachedProposals(Counting(), tmp_path / "b").propose(
        image(), np.random.default_rng(7)
    )
    assert len(CALLS) == 2
    np.testing.assert_array_equal(first, second)
    assert rng.bit_generator.state == before


def test_other_pixels_shapes_and_parameters_are_asked_anew(tmp_path):
    weights = np.zeros(2000)
    weights[1000] = 1e-12  # in the middle, where a shortened repr shows nothing
    for proposer in (Counting(), Counting(side=5), Counting(weights=weights)):
        CachedProposals(proposer, tmp_path).propose(image(), None)
    for other in (image(1), image().reshape(3, 9, 8)):
        CachedProposals(Counting(), tmp_path).propose(other, None)
    assert len(CALLS) == 5


def test_a_damaged_file_is_made_anew(tmp_path):
    cached = CachedProposals(Counting(), tmp_path)
    boxes, _ = cached.propose(image(), None)
    (path,) = Path(tmp_path).iterdir()
    path.write_bytes(path.read_bytes()[:50])
    again, _ = cached.propose(image(), None)
    np.testing.assert_array_equal(boxes, again)
    path.write_bytes(b"")
    cached.propose(image(), None)
    assert len(CALLS) == 3


def test_a_proposer_with_an_address_in_its_repr_is_refused(tmp_path):
    with pytest.raises(ValueError, match="make it a dataclass"):
        CachedProposals(WithoutRepr(), tmp_path).propose(image(), None)


@pytest.mark.parametrize(
    "arrays",
    [
        {"boxes": np.zeros((5, 3), "f4"), "scores": np.zeros(5, "f4")},
        {"boxes": np.array([[0, 0, 4, 4]], "f4"), "scores": np.zeros(2, "f4")},
        {"boxes": np.array([[0, 0, np.nan, 4]], "f4"), "scores": np.zeros(1, "f4")},
        {"boxes": np.array([[4, 4, 0, 0]], "f4"), "scores": np.zeros(1, "f4")},
        {"boxes": np.array([[0, 0, 99, 4]], "f4"), "scores": np.zeros(1, "f4")},
        {"boxes": np.array([[-1, 0, 4, 4]], "f4"), "scores": np.zeros(1, "f4")},
        {"boxes": np.array([[0, 0, 4, 4]], "f4"), "scores": np.full(1, np.nan, "f4")},
        {"boxes": np.array([[0, 0, 4, 4]], "c8"), "scores": np.zeros(1, "f4")},
        {"boxes": np.array([["0"] * 4]), "scores": np.zeros(1, "f4")},
        {"boxes": np.full((1, 4), None), "scores": np.zeros(1, "f4")},
        {"boxes": np.zeros((0, 4), "f4")},
    ],
)
def test_what_are_no_boxes_in_the_picture_is_made_again(tmp_path, arrays):
    """Before, boxes (5, 3) from a file came out as proposals."""
    cached = CachedProposals(Counting(), tmp_path)
    boxes, _ = cached.propose(image(), np.random.default_rng(0))
    (path,) = tmp_path.iterdir()
    np.savez(path, **arrays)
    again, scores = cached.propose(image(), np.random.default_rng(0))
    assert len(CALLS) == 2
    np.testing.assert_array_equal(again, boxes)
    assert scores.tolist() == [1.0]
    cached.propose(image(), np.random.default_rng(0))
    assert len(CALLS) == 2  # the file is whole again


@pytest.mark.parametrize("damage", [b"", b"PK", b"\x93NUMPY\x01\x00\xff\xff((((", bytes(99)])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    cached = CachedProposals(Counting(), tmp_path)
    cached.propose(image(), np.random.default_rng(0))
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage)
    cached.propose(image(), np.random.default_rng(0))
    assert len(CALLS) == 2
