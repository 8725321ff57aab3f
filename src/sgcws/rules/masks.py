"""Names of channels and groups, and masks that several of them match."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["check_name", "matching"]


def check_name(name: object, what: str) -> None:
    """
    Check the name of a channel or a group, or a mask for such names.

    Args:
        name: Any text but the empty one.
        what: What it is the name of, for the message.

    Raises:
        TypeError: If it is no text.
        ValueError: If it is empty.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of a {what} is str, not {type(name).__qualname__}")
    if not name:
        raise ValueError(f"the name of a {what} is empty")


def matching(mask: str, names: Collection[str]) -> tuple[str, ...]:
    """
    Return those names that match a mask, in their order.

    For each name it takes at most as many steps as the length of the name times that of the mask.

    Args:
        mask: ``*`` stands for any characters, or none, and ``?`` for exactly one. Every other character stands for
            itself, and only in the same case.
        names: Where to look. A mask without ``*`` and ``?`` is looked up, not searched for.
    """
    if "*" not in mask and "?" not in mask:
        return (mask,) if mask in names else ()
    return tuple(filter(re.compile(_pattern(mask), re.DOTALL).fullmatch, names))


def _pattern(mask: str) -> str:
    """
    Return a mask as a regular expression.

    What stands between two stars is looked for where it comes first, and nowhere else after that: if the rest does not
    match then, it would not match further on either. So the groups are atomic, and nothing is tried twice.
    """
    first, *rest = map(_without_stars, mask.split("*"))
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>.*?{part})" for part in middle if part) + ".*" + last


def _without_stars(part: str) -> str:
    return ".".join(map(re.escape, part.split("?")))
