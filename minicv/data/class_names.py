"""Names of classes that mean the same, though they are written in two ways."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def plain_name(name: str) -> str:
    """The name without what tools and people write differently: case, blanks, "-" and "_".

    >>> plain_name("Traffic light ") == plain_name("traffic_light")
    True
    """
    return "".join(name.casefold().replace("-", " ").replace("_", " ").split())


def names_alike(names: Sequence[str]) -> Iterator[list[str]]:
    """Groups of names that differ by case, blanks, hyphens or underscores only.

    >>> list(names_alike(["cow", "Cow ", "stop sign", "stop_sign", "cat"]))
    [['cow', 'Cow '], ['stop sign', 'stop_sign']]
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(plain_name(name), []).append(name)
    yield from (group for group in groups.values() if len(group) > 1)


def match_names(theirs: Sequence[str], ours: Sequence[str]) -> dict[str, str]:
    """Which of ``ours`` each of ``theirs`` is; names without a fellow are left out.

    The same name comes first. Names that differ by case, blanks, hyphens or underscores are
    matched where nothing else could be meant: each has one such fellow, which has no better one.

    >>> match_names(["duck", "Cow", "pig"], ["cow", "duck"])
    {'duck': 'duck', 'Cow': 'cow'}
    >>> match_names(["Cow", "COW"], ["cow"])
    {}
    """
    found = {name: name for name in theirs if name in ours}
    left = [name for name in theirs if name not in found]
    free = [name for name in ours if name not in found]
    for name in left:
        fellows = [other for other in free if plain_name(other) == plain_name(name)]
        rivals = [other for other in left if plain_name(other) == plain_name(name)]
        if len(fellows) == len(rivals) == 1:
            found[name] = fellows[0]
    return found
