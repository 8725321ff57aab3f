"""Tell by its first bytes what a peer speaks."""

from __future__ import annotations

import enum
import re

__all__ = ["HTTP2_PREFACE", "LONGEST_LOOK", "Speech", "classify"]

HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What an HTTP/2 client sends first (RFC 9113 section 3.4)."""

LONGEST_LOOK = 8192
"""Bytes to wait for the end of a request line whose method is none of the known ones."""

KNOWN_METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")

_KNOWN = re.compile(rb"(?:\r?\n)?(?:" + "|".join(KNOWN_METHODS).encode() + rb")[ \t]")
_LINE = re.compile(rb"(?:\r?\n)?[A-Z][A-Z_-]{0,31} [^\r\n]* HTTP/\d\.\d\r?\n")
_START_OF_LINE = re.compile(rb"\r|(?:\r?\n)?(?:[A-Z][A-Z_-]{0,31}(?: [^\r\n]*\r?)?)?")
_TLS_RECORD = b"\x16\x03"


class Speech(enum.Enum):
    """What the first bytes are."""

    MORE = "more"
    """Too few bytes to tell."""
    HTTP = "http"
    """A request line of HTTP/1.x, right or wrong (RFC 9112 section 3)."""
    HTTP2 = "http2"
    """The connection preface of HTTP/2."""
    TLS = "tls"
    """The start of a TLS handshake record (RFC 8446 section 5.1)."""
    UNKNOWN = "unknown"
    """Nothing of these."""


def classify(data: bytes, complete: bool = False) -> Speech:
    """
    Tell what a peer speaks.

    A method is taken for HTTP at once if it is a known one, else at the end of a line that names an HTTP version.
    Methods are upper case, so that a text protocol in lower case is told apart by its first byte.
    One empty line before the request line is allowed (RFC 9112 section 2.2).

    Args:
        data: All bytes received so far.
        complete: No more are coming, or there is no more time: do not answer ``MORE``.
    """
    if HTTP2_PREFACE.startswith(data[: len(HTTP2_PREFACE)]):
        speech = Speech.HTTP2 if len(data) >= len(HTTP2_PREFACE) else Speech.MORE
    elif _TLS_RECORD.startswith(data[:2]):
        speech = Speech.TLS if len(data) >= 2 else Speech.MORE
    elif _KNOWN.match(data) or _LINE.match(data, 0, LONGEST_LOOK):
        speech = Speech.HTTP
    elif len(data) < LONGEST_LOOK and _START_OF_LINE.fullmatch(data):
        speech = Speech.MORE
    else:
        speech = Speech.UNKNOWN
    return Speech.UNKNOWN if complete and speech is Speech.MORE else speech
