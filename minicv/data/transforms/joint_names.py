"""Which joints change places in a mirrored picture, from their names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_OTHER = {"left": "right", "right": "left"}
_SIDES = {"left": "left", "l": "left", "lt": "left", "right": "right", "r": "right", "rt": "right"}
# Parts of a body before or after which tools write a side without a gap: "leye", "handright".
_PARTS = {
    "ankle", "arm", "brow", "cheek", "collar", "ear", "elbow", "eye", "eyebrow", "fin", "finger",
    "foot", "forearm", "hand", "heel", "hip", "hoof", "iris", "jaw", "knee", "leg", "mouth",
    "nostril", "paw", "pupil", "shin", "shoulder", "thigh", "thumb", "toe", "wing", "wrist",
}  # fmt: skip
_WITHOUT_SIDE = {"rear"}  # no right ear

Joint = tuple[tuple[str, ...], tuple[str, ...]]  # sides, other words


def mirror_permutation(joint_names: Sequence[str]) -> tuple[int, ...]:
    """For each joint, the number of the joint whose place it takes in a mirrored picture.

    A person's right ankle is the left ankle of the mirrored person. Joints are paired by the words
    "left" and "right" in their names, or their first letters, in any of the spellings that tools
    write: ``left eye``, ``Left_Eye``, ``eyeLeft``, ``L-eye``, ``eye.L``, ``lefteye``, ``leye``.
    The others stay: a cleft, a bright spot and the vertebra L5 have no side. Names in other
    languages are not understood.

    Raises:
        ValueError: a left joint has no right one, or the other way round; a joint is there twice,
            perhaps in two spellings.

    >>> mirror_permutation(("right eye", "nose", "left eye"))
    (2, 1, 0)
    """
    names = list(joint_names)
    words = [_words(name) for name in names]
    joints = [_joint(of_name, words) for of_name in words]
    for number, joint in enumerate(joints):
        first = joints.index(joint)
        if first < number:
            raise ValueError(
                f"mirror_permutation: joint {names[number]!r} is joint {names[first]!r} again; "
                "expected each joint once"
            )
    permutation = []
    for name, (sides, rest) in zip(names, joints, strict=True):
        partner = tuple(_OTHER[side] for side in sides), rest
        if partner not in joints:
            raise ValueError(
                f"mirror_permutation: joint {name!r} has no partner "
                f"{' '.join((*partner[0], *rest))!r} among {names}; give both names, or write the "
                "permutation yourself"
            )
        permutation.append(joints.index(partner))
    return tuple(permutation)


def sides_and_parts(joint_names: Sequence[str]) -> list[tuple[str, str]]:
    """For each joint its side, "left", "right" or "", and the part of the body that it is.

    All spellings are understood that `mirror_permutation` understands.

    >>> sides_and_parts(("Left_Ankle", "ankleR", "head top"))
    [('left', 'ankle'), ('right', 'ankle'), ('', 'head top')]
    """
    words = [_words(name) for name in joint_names]
    joints = [_joint(of_name, words) for of_name in words]
    return [(sides[0] if sides else "", " ".join(rest)) for sides, rest in joints]


def _words(name: str) -> tuple[str, ...]:
    """The words of a name in small letters; a capital inside a word begins another.

    >>> _words("Left_Eye"), _words("eyeL"), _words("LEye"), _words("RIGHT-EYE2")
    (('left', 'eye'), ('eye', 'l'), ('l', 'eye'), ('right', 'eye2'))
    """
    name = unicodedata.normalize("NFKC", name)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return tuple(re.findall(r"[^\W_]+", spaced.casefold()))


def _joint(words: tuple[str, ...], names: Sequence[tuple[str, ...]]) -> Joint:
    """What all spellings of a joint have in common: the sides and the other words.

    >>> _joint(("eye", "l"), []), _joint(("lsho",), [("rsho",)]), _joint(("lsho",), [])
    ((('left',), ('eye',)), (('left',), ('sho',)), ((), ('lsho',)))
    """
    sides, rest = [], []
    for place, word in enumerate(words):
        side, part = _side_of(word)
        if not side:
            for side_there, part_there, swapped in _abbreviations(word):
                if (*words[:place], swapped, *words[place + 1 :]) in names:
                    side, part = side_there, part_there
        sides += [side] if side else []
        rest += [part] if part else []
    return tuple(sides), tuple(rest)


def _side_of(word: str) -> tuple[str, str]:
    """The side that a word tells by itself, and what else it tells; an empty side for none.

    >>> _side_of("left"), _side_of("handright"), _side_of("leye"), _side_of("cleft")
    (('left', ''), ('right', 'hand'), ('left', 'eye'), ('', 'cleft'))
    """
    if word in _SIDES:
        return _SIDES[word], ""
    if word not in _WITHOUT_SIDE:
        for written in ("left", "right", "l", "r"):
            for part in (word.removeprefix(written), word.removesuffix(written)):
                letters = part.rstrip("0123456789")
                numbered = not letters and len(written) > 1  # left2, but not L5
                if part != word and (letters in _PARTS or numbered):
                    return _SIDES[written], part
    return "", word


def _abbreviations(word: str) -> list[tuple[str, str, str]]:
    """How the letter of a side may be part of a word: the side, the rest, the word of its partner.

    >>> _abbreviations("lsho")
    [('left', 'sho', 'rsho')]
    """
    found = []
    for letter, other in (("l", "r"), ("r", "l")):
        if word.startswith(letter):
            found.append((_SIDES[letter], word[1:], other + word[1:]))
        if word.endswith(letter):
            found.append((_SIDES[letter], word[:-1], word[:-1] + other))
    return found
