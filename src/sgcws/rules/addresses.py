"""Addresses of both ends as plain values."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address

__all__ = ["MAPPED", "host_and_port"]

MAPPED = "::ffff:"
"""How an IPv4 peer of a socket that listens on IPv6 looks (RFC 4291 section 2.5.5.2)."""


def host_and_port(address: object) -> tuple[str, int]:
    """Return an address as text and its port; empty and 0 for what has none, such as a Unix socket."""
    if not isinstance(address, IPv4Address | IPv6Address):
        return "", 0
    host: str = address.host
    within = host[len(MAPPED) :] if host.lower().startswith(MAPPED) else ""
    return within if "." in within and ":" not in within else host, address.port
