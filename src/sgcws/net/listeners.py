"""The listening sockets of one server: all of them, or none."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger

from sgcws.errors import ListenError
from sgcws.values import Binding

__all__ = ["Listeners"]

log = Logger()


class Acceptor(Factory):
    """
    Makes a protocol for each socket that one listener accepts.

    Args:
        protocol: Makes it.
        died: Called when the listener goes away without having been closed.
    """

    noisy = False

    def __init__(self, make: Callable[[object], Protocol], died: Callable[[], None]) -> None:
        self._make = make
        self._died = died
        self.closing = False

    def buildProtocol(self, addr: object) -> Protocol:
        """Make a protocol for one accepted socket."""
        return self._make(addr)

    def stopFactory(self) -> None:
        """Hear from Twisted that the listener has gone."""
        if not self.closing:
            self._died()


@attrs.frozen
class _Listener:
    binding: Binding
    port: IListeningPort
    acceptor: Acceptor
    identity: int | None


class Listeners:
    """
    Opens and closes the listening sockets together.

    Args:
        make: Makes the protocol for an accepted socket, given the address it came from.
        died: Called when a listener goes away without having been closed.
    """

    def __init__(self, make: Callable[[object], Protocol], died: Callable[[], None]) -> None:
        self._make = make
        self._died = died
        self._open: list[_Listener] = []

    def __len__(self) -> int:
        """Count the listening sockets."""
        return len(self._open)

    async def open(self, endpoints: list[tuple[Binding, IStreamServerEndpoint]]) -> None:
        """
        Listen on all of *endpoints*.

        Raises:
            ListenError: If one cannot be had; those that were opened before it are closed again.
        """
        try:
            for binding, endpoint in endpoints:
                self._open.append(await self._listen(binding, endpoint))
        except BaseException:
            await self.close()
            raise

    async def _listen(self, binding: Binding, endpoint: IStreamServerEndpoint) -> _Listener:
        acceptor = Acceptor(self._make, self._died)
        try:
            port = await endpoint.listen(acceptor)
        except CannotListenError as error:
            raise ListenError(str(binding), _reason(error)) from error
        except Exception as error:
            raise ListenError(str(binding), getattr(error, "strerror", None) or type(error).__name__) from error
        return _Listener(binding, port, acceptor, _identity(port))

    def close(self) -> Deferred[Any]:
        """Stop listening; the Deferred fires when the sockets are closed."""
        listeners, self._open = self._open, []
        return DeferredList([_close(listener) for listener in listeners])

    def alive(self) -> bool:
        """Whether every listener still listens where it was opened."""
        return all(_is_alive(listener) for listener in self._open)

    def ports(self) -> list[IListeningPort]:
        """Return the listening ports, in the order of the bindings."""
        return [listener.port for listener in self._open]


def _reason(error: CannotListenError) -> str:
    return getattr(error.socketError, "strerror", None) or str(error.socketError)


def _socket(port: Any) -> socket.socket | None:
    found = getattr(port, "socket", None)
    return found if isinstance(found, socket.socket) else None


def _identity(port: Any) -> int | None:
    """Return the kernel's number for the socket itself, which outlives no descriptor and is given to no other file."""
    found = _socket(port)
    return None if found is None else os.fstat(found.fileno()).st_ino


def _is_ours(listener: _Listener, found: socket.socket) -> bool:
    try:
        return os.fstat(found.fileno()).st_ino == listener.identity
    except OSError:
        return False


def _is_alive(listener: _Listener) -> bool:
    """Ask the kernel: under epoll a descriptor that somebody closed is simply never heard of again."""
    found = _socket(listener.port)
    if found is None:
        # A port that was lost has dropped its socket; one that never had any (in memory) cannot be asked.
        return listener.identity is None
    return _is_ours(listener, found) and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _close(listener: _Listener) -> Deferred[Any]:
    listener.acceptor.closing = True
    found = _socket(listener.port)
    if found is not None and not _is_ours(listener, found):
        _let_go(listener.port, found)
    closed = maybeDeferred(listener.port.stopListening)
    return closed.addErrback(lambda failure: log.failure("closing {name} failed", failure, name=str(listener.binding)))


def _let_go(port: Any, found: socket.socket) -> None:
    """Give up a descriptor that somebody closed: its number may be another file's by now."""
    number = found.fileno()
    try:
        port.stopReading()
    except OSError:
        # epoll has forgotten the descriptor, but Twisted has not: the next socket of this number would never be read.
        getattr(port.reactor, "_reads", set()).discard(number)
    found.detach()
