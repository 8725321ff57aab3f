"""What the HTTP side serves, and how long it waits."""

from __future__ import annotations

import os
import re

import attrs

from sgcws.options.field import option
from sgcws.options.kinds import Kind, Refused, flag, optional, positive, text, tuple_of
from sgcws.version import VERSION

__all__ = ["HTTPOptions"]

_CHARSET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]*")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_FILE_NAME = re.compile(r"[^/\\\0]+")


class _Directory(Kind[str]):
    """Paths of directories that exist, kept absolute: daemons change their working directory later."""

    def __init__(self) -> None:
        super().__init__("path", "the path of a directory that exists")

    def check(self, value: object) -> str:
        if not isinstance(value, str) or not os.path.isdir(value):
            raise Refused
        return os.path.abspath(value)

    def read(self, words: str) -> str:
        return words


_ASCII = bytes(range(128))


def _is_charset(name: str) -> bool:
    """
    Whether Python can encode text with *name*, and a header can carry it.

    ASCII must stay ASCII in it: else what was escaped as HTML comes to life again, as with UTF-7.
    """
    try:
        plain = _ASCII.decode("ascii").encode(name) == _ASCII and _ASCII.decode(name).encode() == _ASCII
    except (LookupError, ValueError):
        return False
    return plain and _CHARSET.fullmatch(name) is not None


def _is_file_name(name: str) -> bool:
    return _FILE_NAME.fullmatch(name) is not None and name not in (".", "..")


_charset = text("the name of a text encoding that Python knows and that extends ASCII", _is_charset)
_file_name = text("a file name without a directory", _is_file_name)
_header_value = text("printable ASCII", lambda value: _HEADER_VALUE.fullmatch(value) is not None)


@attrs.frozen(kw_only=True)
class HTTPOptions:
    """
    What the HTTP side serves, and how long it waits.

    Raises:
        OptionError: If a value is not allowed.

    Original: ``DocumentRoot``, ``Charset``, ``HTMLFiles``, ``JavascriptFiles``, ``Software``, ``KeepAlive``.
    """

    document_root: str | None = option(
        None,
        optional(_Directory()),
        doc="The directory whose files are served; None serves none.",
    )
    index_files: tuple[str, ...] = option(
        ("index.html",),
        tuple_of(_file_name),
        doc="The file names tried for a directory, in this order.",
        live=True,
    )
    charset: str = option(
        "utf-8",
        _charset,
        doc="The encoding of text that the server sends.",
        live=True,
    )
    test_pages: bool = option(
        False,
        flag,
        doc="Whether the built-in pages are served: the index, the WebSocket tester and the chat.",
    )
    scripts: bool = option(
        True,
        flag,
        doc="Whether the script for browsers, /sgcws.js, is served.",
    )
    server_header: str | None = option(
        f"sgcws/{VERSION}",
        optional(_header_value),
        doc="The Server header; None sends none.",
        live=True,
    )
    keep_alive_timeout: float = option(
        60.0,
        positive,
        doc="Seconds a connection may be idle between two requests.",
        live=True,
    )
    header_timeout: float = option(
        10.0,
        positive,
        doc="Seconds for the first bytes and the whole head of a request, then the connection is dropped.",
        live=True,
    )
