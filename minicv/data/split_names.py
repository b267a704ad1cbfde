"""The words by which files and folders say to which part of a data set they belong."""

from __future__ import annotations

import re

TRAIN_NAMES = ("train", "training", "trainval", "default")
VALIDATION_NAMES = ("val", "valid", "validation")
TEST_NAMES = ("test", "testing")
_ROLES = (("train", TRAIN_NAMES), ("val", VALIDATION_NAMES), ("test", TEST_NAMES))
_ROLE_OF = {name: role for role, names in _ROLES for name in names}
_WORD = re.compile(rf"(?<![a-z])({'|'.join(_ROLE_OF)})(?![a-z])")
_FOLDER = re.compile(rf"(?:obj_)?({'|'.join(_ROLE_OF)})[_-]?\d{{0,4}}(?:_data)?")


def role_in(name: str) -> str:
    """ "train", "val" or "test" if one of their words stands in ``name``, or else "".

    >>> role_in("instances_train2017"), role_in("Validation"), role_in("contest"), role_in("valid")
    ('train', 'val', '', 'val')
    """
    found = _WORD.search(name.lower())
    return _ROLE_OF[found.group(1)] if found else ""


def role_of_folder(name: str) -> str:
    """As `role_in`, for a folder that is called so and not more: another could be of anything.

    >>> role_of_folder("train2017"), role_of_folder("obj_train_data"), role_of_folder("test farm")
    ('train', 'train', '')
    """
    found = _FOLDER.fullmatch(name.lower())
    return _ROLE_OF[found.group(1)] if found else ""
