"""Servers whose sockets keep next to nothing, so that what a peer does not read stays where it can be measured."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import tcp

__all__ = ["SMALL_SEGMENT", "small_buffers"]

SMALL_SEGMENT = 1400
"""Bytes of a TCP segment, as on most networks; over the loopback it has 64 KiB."""


def small_buffers(size: int) -> None:
    """
    Have the system keep only so many bytes for each peer whose segments are small.

    Left to itself it keeps megabytes, at times. Where segments are large, a small buffer makes everything slow.
    """

    class Server(tcp.Server):
        def __init__(self, sock: socket.socket, *rest: Any) -> None:
            if sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) <= SMALL_SEGMENT:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
            super().__init__(sock, *rest)

    tcp.Port.transport = Server  # type: ignore[assignment]  # it says one class, and means any like it
