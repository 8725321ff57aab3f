"""`CommandResponse`: a `Response`, and how it is sent."""

from __future__ import annotations

import html
import re
from http import HTTPStatus
from typing import Any

from multidict import CIMultiDict

from sgcws.http.text import check_header

__all__ = ["CommandResponse", "phrase", "send", "send_status"]

REDIRECTS = (301, 302, 303, 307, 308)
SAME_SITE = ("Strict", "Lax", "None")

_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")
_COOKIE_PATH = re.compile(r"/[ -:<-~]*")


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
        if not (_COOKIE_NAME.fullmatch(name) and _COOKIE_VALUE.fullmatch(value) and _COOKIE_PATH.fullmatch(path)):
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
        self.headers["Location"] = url

    def empty(self) -> None:
        self._content = b""

    def content(self, charset: str) -> tuple[bytes, str | None]:
        """Return the body, and the media type to announce it with."""
        content = default_page(self.status, self.reason) if self._content is None else self._content
        if isinstance(content, str):
            return content.encode(charset, "xmlcharrefreplace"), self.content_type or f"text/html; charset={charset}"
        return content, self.content_type


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


def send(request: Any, response: CommandResponse, charset: str) -> None:
    """
    Send *response* as the whole answer to *request*, a Twisted one.

    Raises:
        ValueError: If a header or the status may not be sent; nothing has been sent then.
    """
    status = int(response.status)
    if not 200 <= status <= 999:
        raise ValueError(f"{status} is not the status of a whole answer")
    check_header("reason", response.reason)
    for name, value in response.headers.items():
        check_header(name, value)
    body, content_type = response.content(charset)
    request.setResponseCode(status, phrase(status, response.reason).encode("utf-8"))
    for name, value in response.headers.items():
        request.responseHeaders.addRawHeader(name.encode("ascii"), value.encode("utf-8"))
    if content_type is not None:
        check_header("Content-Type", content_type)
        request.setHeader(b"Content-Type", content_type.encode("utf-8"))
    _finish(request, status, body)


def _finish(request: Any, status: int, body: bytes) -> None:
    if status in (204, 304):
        # These never have a body (RFC 9110 section 6.4.1).
        body = b""
        request.responseHeaders.removeHeader(b"Content-Type")
    else:
        request.setHeader(b"Content-Length", b"%d" % len(body))
    request.defaultContentType = None
    request.write(body)
    request.finish()


def send_status(request: Any, status: int, reason: str = "", headers: dict[str, str] | None = None) -> None:
    """Send a small page that says nothing but the status."""
    response = CommandResponse()
    response.status, response.reason = status, reason
    response.headers.update(headers or {})
    send(request, response, "utf-8")
