"""The listening sockets of one server: all of them, or none."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred, DeferredList, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IListeningPort,
    IProtocolFactory,
    IProtocolNegotiationFactory,
    IStreamServerEndpoint,
)
from twisted.internet.main import CONNECTION_DONE
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from sgcws.errors import ListenError
from sgcws.net.inherited import InheritedEndpoint
from sgcws.net.tls import HTTP_1_1, OverTLS
from sgcws.values import Binding

__all__ = ["Listeners"]

log = Logger()


@implementer(IProtocolNegotiationFactory)
class Acceptor(Factory):
    """
    Makes a protocol for each socket that one listener accepts.

    Args:
        make: Makes it, given the address that the socket came from.
        died: Called when the listener goes away without having been closed.
    """

    noisy = False

    def __init__(self, make: Callable[[object], Protocol], died: Callable[[], object]) -> None:
        self._make = make
        self._died = died
        self.closing = False

    def buildProtocol(self, addr: object) -> Protocol:
        """Make a protocol for one accepted socket."""
        return self._make(addr)

    def acceptableProtocols(self) -> list[bytes]:
        """Return what a client may choose to speak under TLS; without an answer Twisted fails every such handshake."""
        return [HTTP_1_1]

    def stopFactory(self) -> None:
        """Hear from Twisted that the listener has gone."""
        if not self.closing:
            self._died()


@attrs.frozen
class _Listener:
    """
    One listening socket.

    Args:
        binding: What it was opened for.
        acceptor: Makes protocols for what it accepts.
        port: The port, as Twisted gave it.
        inherited: Whether the socket belongs to somebody else, with its path if it has one.
    """

    binding: Binding
    acceptor: Acceptor
    port: Any
    inherited: bool
    identity: tuple[int, int] | None = attrs.field(init=False)
    path: bytes | None = attrs.field(init=False)

    @identity.default
    def _identity_at_birth(self) -> tuple[int, int] | None:
        return _identity(self.port)

    @path.default
    def _path_at_birth(self) -> bytes | None:
        return _path(self.port)

    def is_alive(self) -> bool:
        """Ask the kernel: under epoll a descriptor that somebody closed is simply never heard of again."""
        if self.identity is None:
            return True  # in memory, or on a system where it cannot be asked
        if _identity(self.port) != self.identity or self._has_lost_its_path():
            return False
        return bool(self.port.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))

    def close(self, at_once: bool = False) -> Deferred[Any]:
        """
        Stop listening; the Deferred fires when the socket is closed, and never fails.

        Args:
            at_once: Do not wait for the reactor's next turn, as Twisted does because it may be accepting just now.
        """
        self.acceptor.closing = True
        return maybeDeferred(self._closer(at_once)).addErrback(self._log_failure)

    def _closer(self, at_once: bool) -> Callable[[], Any]:
        if _socket(self.port) is None:
            return self.port.stopListening  # type: ignore[no-any-return]
        if _identity(self.port) != self.identity:
            _let_go(self.port)
        if self.path is not None and (self.inherited or self._has_lost_its_path()):
            return partial(_close_but_path, self.port)
        return partial(_close_now, self.port) if at_once else self.port.stopListening

    def _has_lost_its_path(self) -> bool:
        """Whether nobody can find a Unix socket any more."""
        return self.path is not None and not os.path.lexists(self.path)

    def _log_failure(self, failure: Failure) -> None:
        log.failure("closing {binding} failed", failure, binding=str(self.binding))


class Listeners:
    """
    Opens and closes the listening sockets together.

    Args:
        make: Makes the protocol for an accepted socket, given the address that it came from.
        died: Called when a listener goes away without having been closed.
        over_tls: Puts TLS around a factory; needed for bindings that say so.
    """

    def __init__(
        self,
        make: Callable[[object], Protocol],
        died: Callable[[], object],
        over_tls: OverTLS | None = None,
    ) -> None:
        self._make = make
        self._died = died
        self._over_tls = over_tls
        self._open: list[_Listener] = []
        self._closing: list[Deferred[Any]] = []

    def __len__(self) -> int:
        """Count the listening sockets."""
        return len(self._open)

    async def open(self, endpoints: list[tuple[Binding, IStreamServerEndpoint]]) -> None:
        """
        Listen on all of *endpoints*.

        Raises:
            ListenError: If one cannot be had; those that were opened before it are closed again. The reactor may not
                run yet, so nothing is waited for; what cannot be closed at once is waited for by `close`.
        """
        try:
            for binding, endpoint in endpoints:
                self._open.append(await self._listen(binding, endpoint))
        except BaseException:
            self._begin_to_close(at_once=True)
            raise

    async def _listen(self, binding: Binding, endpoint: IStreamServerEndpoint) -> _Listener:
        acceptor = Acceptor(self._make, self._died)
        factory = self._secured(binding, acceptor) if binding.tls else acceptor
        try:
            port = await endpoint.listen(factory)
        except CancelledError:
            raise
        except Exception as error:
            raise _translated(binding, error) from error
        return _Listener(binding, acceptor, port, isinstance(endpoint, InheritedEndpoint))

    def _secured(self, binding: Binding, acceptor: Acceptor) -> IProtocolFactory:
        if self._over_tls is None:
            raise ListenError(str(binding), "there are no options for TLS")
        return self._over_tls(acceptor)

    async def close(self) -> None:
        """Stop listening; returns when the sockets are closed."""
        self._begin_to_close(at_once=False)
        closing, self._closing = self._closing, []
        await DeferredList(closing)

    def _begin_to_close(self, at_once: bool) -> None:
        listeners, self._open = self._open, []
        self._closing += [listener.close(at_once) for listener in listeners]

    def alive(self) -> bool:
        """Whether every listener still listens where it was opened."""
        return all(listener.is_alive() for listener in self._open)

    def ports(self) -> list[IListeningPort]:
        """Return the listening ports, in the order of the bindings."""
        return [listener.port for listener in self._open]


def _translated(binding: Binding, error: Exception) -> ListenError:
    cause = error.socketError if isinstance(error, CannotListenError) else error
    if isinstance(cause, OSError):
        return ListenError(str(binding), cause.strerror or "the system refuses", cause.errno)
    # Twisted gives its own reasons as text; the text of any other exception is nobody's business.
    return ListenError(str(binding), cause if isinstance(cause, str) else type(cause).__name__)


def _socket(port: Any) -> socket.socket | None:
    found = getattr(port, "socket", None)
    return found if isinstance(found, socket.socket) else None


def _identity(port: Any) -> tuple[int, int] | None:
    """Name the kernel's own object: a descriptor is only a number, which the next file may get."""
    found = _socket(port)
    if found is None:
        return None
    try:
        status = os.fstat(found.fileno())
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _path(port: Any) -> bytes | None:
    """Return where people find a Unix socket; None for any other, and for one without a file."""
    found = _socket(port)
    if found is None or found.family != getattr(socket, "AF_UNIX", None):
        return None
    path = os.fsencode(found.getsockname())
    return None if path.startswith(b"\0") else path or None


def _let_go(port: Any) -> None:
    """Give up a descriptor that somebody closed: its number may be another file's by now."""
    number = port.socket.fileno()
    try:
        port.stopReading()
    except (OSError, KeyError):
        # The kernel has forgotten the descriptor, but Twisted's epoll reactor keeps the number, and would never
        # read from the next socket that gets it.
        with suppress(AttributeError):
            port.reactor._reads.discard(number)
    port.socket.detach()


def _close_now(port: Any) -> None:
    """Do what ``stopListening`` does, in this turn of the reactor."""
    port.stopReading()
    port.connectionLost(Failure(CONNECTION_DONE))


def _close_but_path(port: Any) -> None:
    """Close a Unix socket as Twisted does, but for its path, which is not ours, or not there."""
    port.stopReading()
    port.socket.close()
    if port.lockFile is not None:
        port.lockFile.unlock()
    port.factory.doStop()
