"""Read the guids that a broadcast is limited to, or kept from."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["guid_set"]

_SEPARATORS = re.compile(r"[,;\s]+")


def guid_set(guids: str | Iterable[str]) -> frozenset[str]:
    """Return guids as a set, from an iterable or from one string with commas or semicolons."""
    if isinstance(guids, str):
        return frozenset(filter(None, _SEPARATORS.split(guids)))
    return frozenset(guids)
