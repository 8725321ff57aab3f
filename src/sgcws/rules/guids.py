"""Read the guids that a broadcast is limited to, or kept from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set

__all__ = ["guid_set"]

_SEPARATORS = re.compile(r"[,;\s]+")


def guid_set(guids: str | Iterable[str]) -> Set[str]:
    """
    Return guids as a set that keeps their order, from an iterable or from one string with commas or semicolons.

    Raises:
        TypeError: If one is no text: a connection in place of its guid would be left out without a word.
    """
    if isinstance(guids, str):
        return dict.fromkeys(filter(None, _SEPARATORS.split(guids))).keys()
    found = dict.fromkeys(guids).keys()
    for guid in found:
        if not isinstance(guid, str):
            raise TypeError(f"a guid is str, not {type(guid).__qualname__}")
    return found
