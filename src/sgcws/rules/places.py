"""Where a listener listens, as a value: to be shown, and to be connected to."""

from __future__ import annotations

import os

import attrs
from twisted.internet.address import UNIXAddress

from sgcws.rules.addresses import host_and_port

__all__ = ["Place"]

LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where this machine reaches a listener on all interfaces."""


@attrs.frozen
class Place:
    """
    Where one listener listens.

    Args:
        address: Its address, as Twisted tells it.
        secure: Whether TLS is spoken there.
    """

    address: object
    secure: bool = False

    @property
    def port(self) -> int:
        """The TCP port; 0 for what has none, such as a Unix socket."""
        return host_and_port(self.address)[1]

    @property
    def host(self) -> str:
        """The address to connect to from this machine; empty for what has none."""
        host = host_and_port(self.address)[0]
        return LOOPBACK.get(host, host)

    def __str__(self) -> str:
        """Return what a person can click or type."""
        if isinstance(self.address, UNIXAddress):
            return f"unix:{os.fsdecode(self.address.name or b'')}"
        host, port = host_and_port(self.address)
        if not port:
            return str(self.address)
        scheme = "https" if self.secure else "http"
        if host in LOOPBACK:
            return f"{scheme}://localhost:{port}/ (all interfaces)"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"
