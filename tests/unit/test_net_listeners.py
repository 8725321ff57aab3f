"""Promises of `sgcws.net.listeners`: all of them listen, or none does."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.error import AlreadyListened, CannotListenError
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import ListenError
from sgcws.net.listeners import Listeners
from sgcws.values import Binding
from tests.memory import MemoryPort, Reactor
from tests.support import Quiet


class FakeEndpoint:
    """An endpoint that listens when the test says so."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.factory: Any = None

    def listen(self, factory: Any) -> Any:
        """Answer."""
        self.factory = factory
        return self.answer() if callable(self.answer) else self.answer


class ListenersTestCase(SynchronousTestCase):
    """Listeners in memory."""

    def setUp(self) -> None:
        """Have none open."""
        self.reactor = Reactor()
        self.died: list[str] = []
        self.made: list[object] = []
        self.listeners = Listeners(self.make, lambda: self.died.append("died"))

    def make(self, address: object) -> Quiet:
        """Make a protocol."""
        self.made.append(address)
        return Quiet()

    def endpoints(self, *numbers: int) -> list[tuple[Binding, Any]]:
        """Return endpoints for some ports."""
        return [(Binding(port=number), TCP4ServerEndpoint(self.reactor, number)) for number in numbers]

    def open(self, endpoints: list[tuple[Binding, Any]]) -> Deferred[None]:
        """Open them."""
        return Deferred.fromCoroutine(self.listeners.open(endpoints))

    def close(self) -> Deferred[None]:
        """Close them."""
        return Deferred.fromCoroutine(self.listeners.close())


class OpeningTests(ListenersTestCase):
    """Opening is all or nothing."""

    def test_open_and_close(self) -> None:
        """All listen, in the order of the bindings, until they are closed; that is no death."""
        self.successResultOf(self.open(self.endpoints(81, 82)))
        self.assertEqual(list(self.reactor.open), [81, 82])
        self.assertEqual([port.getHost().port for port in self.listeners.ports()], [81, 82])  # type: ignore[attr-defined]
        self.assertEqual((len(self.listeners), self.listeners.alive()), (2, True))
        self.successResultOf(self.close())
        self.assertEqual((self.reactor.open, self.died, len(self.listeners)), ({}, [], 0))
        self.successResultOf(self.close())

    def test_accepting(self) -> None:
        """Each accepted socket gets a protocol, which is told where it came from."""
        self.successResultOf(self.open(self.endpoints(81)))
        client = self.reactor.connect()
        self.assertEqual(self.made, [client.transport.getPeer()])
        self.assertIsInstance(client.transport.protocol, Quiet)

    def test_one_is_taken(self) -> None:
        """One that cannot be had fails it all by its name, and those before it are closed."""
        self.reactor.taken.add(82)
        error = self.failureResultOf(self.open(self.endpoints(81, 82, 83)), ListenError).value
        self.assertEqual(str(error), "cannot listen on *:82: Address already in use")
        self.assertEqual((error.binding, error.errno), ("*:82", errno.EADDRINUSE))
        self.assertIsInstance(error.__cause__, CannotListenError)
        self.assertEqual((self.reactor.open, self.died, len(self.listeners)), ({}, [], 0))

    def test_reasons(self) -> None:
        """Whatever goes wrong, the error says so in words of the system's or ours, and keeps the cause."""
        for cause, reason, number in (
            (CannotListenError("", 80, OSError(errno.EACCES, "Permission denied")), "Permission denied", errno.EACCES),
            (CannotListenError(None, b"/x", "Cannot acquire lock"), "Cannot acquire lock", None),
            (PermissionError(errno.EACCES, "Permission denied"), "Permission denied", errno.EACCES),
            (OSError("odd"), "the system refuses", None),
            (AlreadyListened(), "AlreadyListened", None),
            (ValueError("secret"), "ValueError", None),
        ):
            endpoint: Callable[[], Any] = lambda cause=cause: fail(cause)  # noqa: E731
            error = self.failureResultOf(self.open([(Binding(port=80), FakeEndpoint(endpoint))]), ListenError).value
            self.assertEqual((error.reason, error.errno, error.__cause__), (reason, number, cause))

    def test_cancelled(self) -> None:
        """Giving up while one is waited for closes those before it, and is no `ListenError`."""
        waiting: Deferred[Any] = Deferred()
        opening = self.open([*self.endpoints(81), (Binding(port=82), FakeEndpoint(waiting))])
        self.assertNoResult(opening)
        opening.cancel()
        self.failureResultOf(opening, CancelledError)
        self.assertEqual((self.reactor.open, self.died, len(self.listeners)), ({}, [], 0))

    def test_waits_for_nothing(self) -> None:
        """It fails at once, since the reactor may not run yet; closing waits for what could not be closed at once."""
        closing: Deferred[None] = Deferred()
        port = MemoryPort(self.reactor, 81, FakeEndpoint(None), "")
        port.stopListening = lambda: closing  # type: ignore[method-assign]
        self.reactor.taken.add(82)
        opening = self.open([(Binding(port=81), FakeEndpoint(succeed(port))), *self.endpoints(82)])
        self.failureResultOf(opening, ListenError)
        closed = self.close()
        self.assertNoResult(closed)
        closing.callback(None)
        self.successResultOf(closed)


class TLSTests(ListenersTestCase):
    """TLS around what is accepted."""

    def test_where_it_is_asked_for(self) -> None:
        """It is spoken at the bindings that say so, and at no other."""
        wrapped: list[Any] = []

        def over_tls(factory: Any) -> Any:
            wrapped.append(factory)
            return WrappingFactory(factory)

        self.listeners = Listeners(self.make, lambda: self.died.append("died"), over_tls)
        bindings = [Binding(port=81, tls=False), Binding(port=82, tls=True), Binding(port=83)]
        endpoints = [(binding, TCP4ServerEndpoint(self.reactor, binding.port)) for binding in bindings]
        self.successResultOf(self.open(endpoints))
        factories = {number: port.factory for number, port in self.reactor.open.items()}
        self.assertEqual([factories[82].wrappedFactory], wrapped)
        self.assertEqual([isinstance(factories[number], WrappingFactory) for number in (81, 83)], [False, False])
        self.reactor.open[82].die()
        self.assertEqual(self.died, ["died"])

    def test_never_plain_instead(self) -> None:
        """Without anything to speak TLS with, nothing listens there."""
        endpoints = [*self.endpoints(81), (Binding(port=82, tls=True), TCP4ServerEndpoint(self.reactor, 82))]
        error = self.failureResultOf(self.open(endpoints), ListenError).value
        self.assertEqual((error.binding, error.reason), ("*:82", "there are no options for TLS"))
        self.assertEqual(self.reactor.open, {})


class EndTests(ListenersTestCase):
    """A listener may die."""

    def test_death(self) -> None:
        """One that goes away by itself is told, each once."""
        self.successResultOf(self.open(self.endpoints(81, 82)))
        self.reactor.open[81].die()
        self.assertEqual(self.died, ["died"])
        self.successResultOf(self.close())
        self.assertEqual(self.died, ["died"])

    def test_failing_to_close(self) -> None:
        """One that fails to close is logged by its binding, and the others are closed all the same."""
        port = MemoryPort(self.reactor, 80, FakeEndpoint(None), "")
        for failing in (lambda: fail(KeyError()), lambda: {}["x"]):
            port.stopListening = failing  # type: ignore[assignment]
            endpoints = [(Binding(port=80), FakeEndpoint(succeed(port))), *self.endpoints(81)]
            self.successResultOf(self.open(endpoints))
            self.successResultOf(self.close())
            self.assertEqual(self.reactor.open, {})
            self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
