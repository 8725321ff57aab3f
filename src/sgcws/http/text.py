"""Wire bytes and the text they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote_to_bytes

from multidict import CIMultiDict, CIMultiDictProxy, MultiDict, MultiDictProxy

from sgcws.rules.tokens import is_token

__all__ = ["check_header", "decode", "decode_path", "headers_of", "parse_cookies", "parse_pairs"]

_NOT_IN_VALUES = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

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

    Bytes that are no UTF-8, percent-encoded or not, become U+FFFD. Of more than 1,000 pairs none is taken.
    """
    text = data.decode("utf-8", "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PAIRS, errors="replace")
    except ValueError:
        pairs = []
    return MultiDictProxy(MultiDict(pairs))


def parse_cookies(lines: Iterable[str]) -> dict[str, str]:
    """
    Read ``Cookie`` headers (RFC 6265 section 4.2).

    Of several cookies with the same name the first counts: browsers send the one with the longest path first.
    """
    found: dict[str, str] = {}
    for piece in ";".join(lines).split(";"):
        name, equals, value = piece.partition("=")
        if equals and name.strip():
            found.setdefault(name.strip(), _unquoted(value.strip()))
    return found


def _unquoted(value: str) -> str:
    """Take the quotes off a cookie's value, if it has any (RFC 6265 section 4.1.1)."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def headers_of(raw: Iterable[tuple[bytes, Iterable[bytes]]]) -> CIMultiDictProxy[str]:
    """Return headers as Twisted keeps them as text by names in any case."""
    return CIMultiDictProxy(CIMultiDict((decode(name), decode(value)) for name, values in raw for value in values))


def check_header(name: str, value: str) -> None:
    """
    Check a header that is about to be sent.

    Raises:
        ValueError: If the name is no token, or the value holds a control character (RFC 9110 section 5.5) or what
            UTF-8 cannot carry.
        TypeError: If either is no text.
    """
    if not is_token(name):
        raise ValueError("a header's name must be a token")
    if _NOT_IN_VALUES.search(value):
        raise ValueError(f"the value of the header {name} holds a CR, LF or another control character")
    value.encode("utf-8")
