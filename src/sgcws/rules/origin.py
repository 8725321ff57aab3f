"""
Origins of web pages (RFC 6454), patterns for them, and whether a page may open a WebSocket here.

An `Origin` comes from a header, so every text that is not exactly one serialized origin is refused.
An `OriginPattern` comes from the options. Its ``*`` stands for a whole part, never for a piece of text.
Both are parsed once and then compared as values.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import attrs

from sgcws.errors import InvalidOrigin

__all__ = [
    "DEFAULT_PORTS",
    "OPAQUE",
    "Authority",
    "Origin",
    "OriginPattern",
    "allowed",
    "parse_authority",
    "parse_origin",
    "parse_pattern",
]

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
"""The port that a scheme means when none is written."""

# A registered name as browsers send it: ASCII labels, international ones in their xn-- form. RFC 952 knows no
# underscore in a host name, but container networks do. A dot at the end makes another name, as in browsers.
_NAME = r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?"
_IPV6 = r"\[(?P<ipv6>[0-9A-Fa-f:.]+)\]"
_AUTHORITY = re.compile(rf"(?:(?P<name>{_NAME})|{_IPV6})(?::(?P<port>[1-9][0-9]{{0,4}}))?")
_SERIALIZED = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>.+)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST = 320


class Authority(NamedTuple):
    """A host and the port written behind it, as in a ``Host`` header."""

    host: str
    """Lower case; an IPv6 address in its short form, without brackets."""
    port: int | None
    """``None`` if no port was written."""


class Origin(NamedTuple):
    """Where a page comes from (RFC 6454 section 4)."""

    scheme: str
    """Lower case; ``null`` for the `OPAQUE` origin."""
    host: str
    """As in `Authority`; empty only for the `OPAQUE` origin."""
    port: int | None
    """The scheme's default port if none was written; ``None`` for a scheme that has none."""


OPAQUE: Final = Origin("null", "", None)
"""What ``Origin: null`` says: the page comes from a place that may not be named."""


@attrs.frozen
class OriginPattern:
    """
    Which origins an entry of `SecurityOptions.allowed_origins` means.

    Args:
        origin: The origin to compare with; ``None`` means every one.
        any_subdomain: Whether exactly one label has to stand before the host of *origin*.
        any_port: Whether the port does not matter.
    """

    origin: Origin | None
    any_subdomain: bool = False
    any_port: bool = False

    def matches(self, origin: Origin) -> bool:
        """Return whether *origin* is meant."""
        if self.origin is None:
            return True
        host = origin.host.partition(".")[2] if self.any_subdomain else origin.host
        port = self.origin.port if self.any_port else origin.port
        return self.origin == Origin(origin.scheme, host, port)


def parse_authority(text: str) -> Authority:
    """
    Read ``host`` or ``host:port`` (RFC 9110 section 4.2.3), without user information.

    Args:
        text: A name, an IPv4 address, or an IPv6 address in brackets, with a port from 1 to 65535 or none.

    Raises:
        InvalidOrigin: If *text* is anything else.
    """
    match = _AUTHORITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise InvalidOrigin("not a host with an optional port")
    host = _ipv6(match["ipv6"]) if match["ipv6"] else _name(match["name"].lower())
    return Authority(host, _port(match["port"]))


def parse_origin(text: str) -> Origin:
    """
    Read an ``Origin`` header that carries one origin (RFC 6454 section 7).

    Args:
        text: The header's value: ``null``, or scheme, ``://``, host, and port if it is not the scheme's own.

    Raises:
        InvalidOrigin: If *text* is anything else, a list of several origins included: browsers send one.
    """
    if text == "null":
        return OPAQUE
    scheme, authority = _split(text)
    host, port = parse_authority(authority)
    return Origin(scheme, host, DEFAULT_PORTS.get(scheme) if port is None else port)


def parse_pattern(text: str) -> OriginPattern:
    """
    Read an entry of `SecurityOptions.allowed_origins`.

    Args:
        text: ``*`` for every origin, ``null`` for the opaque one, or an origin. In an origin, ``*`` may stand
            for the port (``http://localhost:*``), for the first label (``https://*.example.com``), or both.

    Raises:
        InvalidOrigin: If *text* is anything else.
    """
    if text == "*":
        return OriginPattern(None)
    portless = text.removesuffix(":*")
    any_port = portless != text
    scheme, any_label, rest = portless.partition("://*.")
    origin = parse_origin(f"{scheme}://{rest}" if any_label else portless)
    if any_label and _is_address(origin.host):
        raise InvalidOrigin("an address has no sub-domains")
    if any_port and (origin is OPAQUE or portless.rpartition(":")[2].isdigit()):
        raise InvalidOrigin("no place for a port")
    return OriginPattern(origin, any_subdomain=bool(any_label), any_port=any_port)


def allowed(
    origin_header: str | None,
    host_header: str | None,
    secure: bool | None,
    patterns: Sequence[OriginPattern],
    allow_missing: bool,
    fetch_site: str | None = None,
) -> bool:
    """
    Decide whether a request may enter, by the page that sent it (RFC 6455 section 10.2).

    Patterns replace the rule of the same origin: whoever lists origins lists the server's own, too, if pages
    from there are to connect.

    Args:
        origin_header: The value of ``Origin``; ``None`` if there was none.
        host_header: The value of ``Host``; ``None`` if there was none.
        secure: Whether the client came by TLS; ``None`` if that is not known, then the scheme does not count.
        patterns: What is allowed; empty for the same origin only. The pattern for every origin lets through
            even a header that is none.
        allow_missing: The answer for a request without an ``Origin``: browsers send one, programs may not.
        fetch_site: The value of ``Sec-Fetch-Site`` (W3C Fetch Metadata): where a browser sends no ``Origin``, as with
            a GET to the server that the page came from, this tells whether it is that server.

    Returns:
        True if the request may enter.
    """
    if origin_header is None:
        return _without_origin(fetch_site, bool(patterns), allow_missing)
    if any(pattern.origin is None for pattern in patterns):
        return True
    try:
        origin = parse_origin(origin_header)
        if patterns:
            return any(pattern.matches(origin) for pattern in patterns)
        return _same_origin(origin, host_header or "", secure)
    except InvalidOrigin:
        return False


def _without_origin(fetch_site: str | None, listed: bool, allow_missing: bool) -> bool:
    """Decide by what else a browser says; a page cannot set that header, and programs do not."""
    if fetch_site in (None, "none"):
        return allow_missing
    return fetch_site == "same-origin" and (allow_missing or not listed)


def _same_origin(origin: Origin, host_header: str, secure: bool | None) -> bool:
    """Compare with the ``Host`` asked for; without a port it means the default port of the page's scheme."""
    if origin.scheme not in DEFAULT_PORTS:
        return False
    if secure is not None and (origin.scheme == "https") is not secure:
        return False
    host, port = parse_authority(host_header)
    return (origin.host, origin.port) == (host, DEFAULT_PORTS[origin.scheme] if port is None else port)


def _split(text: str) -> tuple[str, str]:
    match = _SERIALIZED.fullmatch(text)
    if match is None:
        raise InvalidOrigin("not a scheme and a host")
    return match["scheme"].lower(), match["authority"]


def _name(name: str) -> str:
    """Return *name*; one whose last label is a number has to be an IPv4 address, as in browsers."""
    last = name.removesuffix(".").rpartition(".")[2]
    if _NUMBER.fullmatch(last):
        return _ipv4(name)
    if len(name) > 254:
        raise InvalidOrigin("a host name longer than DNS allows")
    return name


def _ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise InvalidOrigin("not an IPv4 address") from None


def _ipv6(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise InvalidOrigin("not an IPv6 address") from None


def _port(digits: str | None) -> int | None:
    if digits is None:
        return None
    if int(digits) > 65535:
        raise InvalidOrigin("not a port")
    return int(digits)


def _is_address(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()
