"""Wire bytes and the text they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote_to_bytes

from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy

__all__ = ["check_header", "decode", "decode_path", "headers_of", "parse_pairs"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_VALUES = re.compile(r"[\r\n\x00]")

MOST_PAIRS = 1000
"""Query parameters or form fields that are looked at."""


def decode(value: bytes) -> str:
    """Read bytes as UTF-8, or else as Latin-1, which reads any."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def decode_path(path: bytes) -> str:
    """Percent-decode a path."""
    return decode(unquote_to_bytes(path))


def parse_pairs(data: bytes) -> MultiDictProxy[str]:
    """
    Read a query or an ``application/x-www-form-urlencoded`` body.

    Bytes that are no UTF-8 become U+FFFD. Of more than 1,000 pairs none is taken.
    """
    try:
        pairs = parse_qsl(data.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PAIRS, encoding="utf-8")
    except ValueError:
        pairs = []
    return MultiDictProxy(MultiDict(pairs))


def headers_of(raw: Iterable[tuple[bytes, Iterable[bytes]]]) -> CIMultiDictProxy[str]:
    """Return headers as Twisted keeps them as text by names in any case."""
    return CIMultiDictProxy(CIMultiDict((decode(name), decode(value)) for name, values in raw for value in values))


def check_header(name: str, value: str) -> None:
    """
    Check a header that is about to be sent.

    Raises:
        ValueError: If the name is no token, or the value holds a CR, LF or NUL (RFC 9110 section 5.5).
    """
    if not _TOKEN.fullmatch(name):
        raise ValueError("a header's name must be a token")
    if _NOT_IN_VALUES.search(value):
        raise ValueError(f"the value of the header {name} holds a CR, LF or NUL")
