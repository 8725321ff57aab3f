"""`CommandRequest`: a `Request` over Twisted's."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from multidict import CIMultiDictProxy, MultiDict, MultiDictProxy
from twisted.web.iweb import IRequest

from sgcws.http.text import decode, decode_path, headers_of, parse_cookies, parse_pairs
from sgcws.interfaces import Connection

__all__ = ["CommandRequest"]

FORM = "application/x-www-form-urlencoded"


class CommandRequest:
    """
    One HTTP request; what a handler does not look at is not read.

    Args:
        twisted: The request as Twisted parsed it.
        connection: The connection that it came in on.
    """

    def __init__(self, twisted: Any, connection: Connection) -> None:
        self._twisted = twisted
        self.connection = connection

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"

    @property
    def twisted(self) -> IRequest:
        found: IRequest = self._twisted
        return found

    @cached_property
    def method(self) -> str:
        return decode(self._twisted.method)

    @cached_property
    def url(self) -> str:
        return decode(self._twisted.uri)

    @cached_property
    def path(self) -> str:
        return decode_path(self._twisted.path)

    @cached_property
    def query(self) -> MultiDictProxy[str]:
        return parse_pairs(self._twisted.uri.partition(b"?")[2])

    @cached_property
    def headers(self) -> CIMultiDictProxy[str]:
        return headers_of(self._twisted.requestHeaders.getAllRawHeaders())

    @cached_property
    def cookies(self) -> dict[str, str]:
        return parse_cookies(self.headers.getall("cookie", ()))

    @cached_property
    def body(self) -> bytes:
        self._twisted.content.seek(0)
        whole: bytes = self._twisted.content.read()
        return whole

    @cached_property
    def form(self) -> MultiDictProxy[str]:
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return parse_pairs(self.body) if kind == FORM else MultiDictProxy(MultiDict())

    @property
    def ip(self) -> str:
        return self.connection.ip

    @property
    def host(self) -> str:
        return self.headers.get("host", "")

    @property
    def http_version(self) -> str:
        return decode(self._twisted.clientproto).rpartition("/")[2]
