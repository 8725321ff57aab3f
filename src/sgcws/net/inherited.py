"""Listening sockets that were opened for us, as systemd does (socket activation)."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.internet.fdesc import setNonBlocking
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from zope.interface import implementer

__all__ = ["InheritedEndpoint"]


@implementer(IStreamServerEndpoint)
class InheritedEndpoint:
    """
    Listens on a descriptor that belongs to somebody else.

    Twisted's own endpoint closes the descriptor once it has a copy, so that a server could not be restarted.

    Args:
        reactor: The reactor.
        number: The descriptor of a listening socket; it is never closed.
        family: The socket's address family.
    """

    def __init__(self, reactor: Any, number: int, family: int) -> None:
        self._reactor = reactor
        self._number = number
        self._family = family

    def listen(self, protocolFactory: IProtocolFactory) -> Deferred[IListeningPort]:
        """Listen on a copy of the descriptor."""
        return execute(self._adopt, protocolFactory)

    def _adopt(self, factory: IProtocolFactory) -> IListeningPort:
        setNonBlocking(self._number)
        port: IListeningPort = self._reactor.adoptStreamPort(self._number, self._family, factory)
        return port
