"""Servers whose sockets keep next to nothing, so that what a peer does not read stays where it can be measured."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import tcp

__all__ = ["small_buffers"]


def small_buffers(size: int) -> None:
    """Have the system keep only so many bytes for each peer; left to itself it takes megabytes, at times."""

    class Server(tcp.Server):
        def __init__(self, sock: socket.socket, *rest: Any) -> None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
            super().__init__(sock, *rest)

    tcp.Port.transport = Server  # type: ignore[assignment]  # it says one class, and means any like it
