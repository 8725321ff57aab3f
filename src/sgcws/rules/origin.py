"""May a page with this ``Origin`` open a WebSocket here? (RFC 6455 section 10.2.)"""

from __future__ import annotations

from collections.abc import Sequence

from sgcws.errors import InvalidOrigin
from sgcws.origins import DEFAULT_PORTS, Origin, OriginPattern, parse_authority, parse_origin

__all__ = ["allowed"]


def allowed(
    origin_header: str | None,
    host_header: str | None,
    secure: bool | None,
    patterns: Sequence[OriginPattern],
    allow_missing: bool,
) -> bool:
    """
    Decide whether a request may enter, by the page that sent it.

    Patterns replace the rule of the same origin: whoever lists origins lists the server's own, too, if pages
    from there are to connect.

    Args:
        origin_header: The value of ``Origin``; ``None`` if there was none.
        host_header: The value of ``Host``; ``None`` if there was none.
        secure: Whether the client came by TLS; ``None`` if that is not known, then the scheme does not count.
        patterns: What is allowed; empty for the same origin only. The pattern for every origin lets through
            even a header that is none.
        allow_missing: The answer for a request without an ``Origin``: browsers send one, programs may not.

    Returns:
        True if the request may enter.
    """
    if origin_header is None:
        return allow_missing
    if any(pattern.origin is None for pattern in patterns):
        return True
    try:
        origin = parse_origin(origin_header)
        if patterns:
            return any(pattern.matches(origin) for pattern in patterns)
        return _same_origin(origin, host_header or "", secure)
    except InvalidOrigin:
        return False


def _same_origin(origin: Origin, host_header: str, secure: bool | None) -> bool:
    """Compare with the ``Host`` asked for; without a port it means the default port of the page's scheme."""
    if origin.scheme not in DEFAULT_PORTS:
        return False
    if secure is not None and (origin.scheme == "https") is not secure:
        return False
    host, port = parse_authority(host_header)
    return (origin.host, origin.port) == (host, DEFAULT_PORTS[origin.scheme] if port is None else port)
