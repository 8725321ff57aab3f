"""Tokens and lists of them, as HTTP headers carry them (RFC 9110 sections 5.6.1 and 5.6.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["TOKEN", "is_token", "split_list"]

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
"""A regular expression for a token."""

_TOKEN = re.compile(TOKEN)


def is_token(text: str) -> bool:
    """Tell whether *text* is a token."""
    return _TOKEN.fullmatch(text) is not None


def split_list(values: Iterable[str]) -> list[str]:
    """Split the values of a list header at their commas; empty elements do not count."""
    return [element for value in values for piece in value.split(",") if (element := piece.strip(" \t"))]
