"""The words by which files and folders say to which part of a data set they belong."""

from __future__ import annotations

import re

TRAIN_NAMES = ("train", "training", "trainval", "default")
VALIDATION_NAMES = ("val", "valid", "validation")
TEST_NAMES = ("test", "testing")
_ROLES = (("train", TRAIN_NAMES), ("val", VALIDATION_NAMES), ("test", TEST_NAMES))
_ROLE_OF = {name: role for role, names in _ROLES for name in names}
_WORD = re.compile(rf"(?<![a-z])({'|'.join(_ROLE_OF)})(?![a-z])")


def role_in(name: str) -> str:
    """ "train", "val" or "test" if one of their words stands in ``name``, or else "".

    >>> role_in("instances_train2017"), role_in("Validation"), role_in("contest"), role_in("valid")
    ('train', 'val', '', 'val')
    """
    found = _WORD.search(name.lower())
    return _ROLE_OF[found.group(1)] if found else ""
