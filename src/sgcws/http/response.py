"""`CommandResponse`: a `Response`, and how it is sent."""

from __future__ import annotations

import html
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from multidict import CIMultiDict
from twisted.web.server import NOT_DONE_YET

from sgcws.http.text import check_header
from sgcws.rules.tokens import is_token

__all__ = ["CommandResponse", "fill", "phrase", "send", "send_status"]

REDIRECTS = (301, 302, 303, 307, 308)
BODILESS = (204, 205, 304)
"""Statuses whose answers have no body (RFC 9110 sections 6.4.1 and 15.3.6)."""

SAME_SITE = ("Strict", "Lax", "None")

_COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")
_COOKIE_PATH = re.compile(r"/[ -:<-~]*")
_IN_URLS = "%:/?#[]@!$&'()*+,;=~"


class CommandResponse:
    """
    The answer to one request.

    Args:
        secure: Whether the request came over TLS.
    """

    def __init__(self, secure: bool = False) -> None:
        self.status = 200
        self.reason = ""
        self.content_type: str | None = None
        self.headers: CIMultiDict[str] = CIMultiDict()
        self._secure = secure
        self._content: str | bytes | None = None

    @property
    def text(self) -> str | None:
        return self._content if isinstance(self._content, str) else None

    @text.setter
    def text(self, text: str | None) -> None:
        self._content = text

    @property
    def body(self) -> bytes | None:
        return self._content if isinstance(self._content, bytes) else None

    @body.setter
    def body(self, body: bytes | None) -> None:
        self._content = body

    def set_cookie(
        self,
        name: str,
        value: str,
        *,
        max_age: int | None = None,
        path: str = "/",
        secure: bool | None = None,
        http_only: bool = True,
        same_site: str = "Lax",
    ) -> None:
        if not (is_token(name) and _COOKIE_VALUE.fullmatch(value) and _COOKIE_PATH.fullmatch(path)):
            raise ValueError("a cookie's name, value or path holds a character that may not stand there")
        if same_site not in SAME_SITE:
            raise ValueError(f"same_site: {same_site!r} is not allowed; allowed: {', '.join(SAME_SITE)}")
        parts = [f"{name}={value}", f"Path={path}", f"SameSite={same_site}"]
        parts += [f"Max-Age={int(max_age)}"] if max_age is not None else []
        parts += ["Secure"] if (self._secure if secure is None else secure) else []
        parts += ["HttpOnly"] if http_only else []
        self.headers.add("Set-Cookie", "; ".join(parts))

    def redirect(self, url: str, status: int = 302) -> None:
        if status not in REDIRECTS:
            raise ValueError(f"a redirect's status is one of {REDIRECTS}, not {status}")
        check_header("Location", url)
        self.status = status
        self.headers["Location"] = quote(url, safe=_IN_URLS)

    def empty(self) -> None:
        self._content = b""

    def content(self, charset: str) -> tuple[bytes, str | None]:
        """Return the body, and the media type to announce it with."""
        content = default_page(int(self.status), self.reason) if self._content is None else self._content
        kind = self.content_type or self.headers.get("Content-Type")
        if not isinstance(content, str):
            # A number would make a body of as many zeros.
            return bytes(memoryview(content)), kind
        return content.encode(charset, "xmlcharrefreplace"), _with_charset(kind or "text/html", charset)


def _with_charset(kind: str, charset: str) -> str:
    """Announce the charset beside text; a browser would guess it."""
    spoken = kind.lower()
    return f"{kind}; charset={charset}" if spoken.startswith("text/") and "charset=" not in spoken else kind


def phrase(status: int, reason: str = "") -> str:
    """Return the reason phrase for *status*, the standard one if *reason* is empty."""
    if reason:
        return reason
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"


def default_page(status: int, reason: str = "") -> str:
    """Return a small page that says nothing but the status."""
    title = html.escape(f"{status} {phrase(status, reason)}")
    return f"<!doctype html>\n<title>{title}</title>\n<h1>{title}</h1>\n"


def send(request: Any, response: CommandResponse, charset: str) -> int:
    """
    Send *response* as the whole answer to *request*, a Twisted one.

    Returns:
        What a resource's ``render`` returns then.

    Raises:
        ValueError: If a header or the status may not be sent; nothing has been sent then.
        TypeError: If the body is neither text nor bytes; nothing has been sent then.
    """
    status = int(response.status)
    if not 200 <= status <= 999:
        raise ValueError(f"{status} is not the status of a whole answer")
    check_header("reason", response.reason)
    body, content_type = response.content(charset)
    headers = response.headers.copy()
    if content_type is not None:
        headers["Content-Type"] = content_type
    _check(headers)
    request.setResponseCode(status, phrase(status, response.reason).encode("utf-8"))
    fill(request, headers)
    return _finish(request, status, body)


def _check(headers: CIMultiDict[str]) -> None:
    for name, value in headers.items():
        check_header(name, value)
        if name.lower() == "transfer-encoding":
            raise ValueError("the header Transfer-Encoding is set by the server itself")


def fill(request: Any, headers: CIMultiDict[str]) -> None:
    """Copy the headers; one replaces what Twisted or an earlier handler set by the same name."""
    # Twisted keeps cookies apart, and where it has some it sends no others.
    request.cookies.extend(value.encode("utf-8") for value in headers.popall("Set-Cookie", ()))
    for name in {name.lower() for name in headers}:
        request.responseHeaders.setRawHeaders(name.encode(), [value.encode("utf-8") for value in headers.getall(name)])


def _finish(request: Any, status: int, body: bytes) -> int:
    if status in BODILESS:
        body = b""
        request.responseHeaders.removeHeader(b"Content-Type")
    request.setHeader(b"Content-Length", b"%d" % len(body))
    request.defaultContentType = None
    request.write(body)
    request.finish()
    return int(NOT_DONE_YET)


def send_status(request: Any, status: int, reason: str = "", headers: dict[str, str] | None = None) -> int:
    """Send a small page that says nothing but the status; return what ``render`` returns then."""
    response = CommandResponse()
    response.status, response.reason = status, reason
    response.headers.update(headers or {})
    return send(request, response, "utf-8")
