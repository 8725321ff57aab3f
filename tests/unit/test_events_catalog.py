"""Promises of `sgcws.events.catalog`: the list of events, and what becomes of failures."""

from __future__ import annotations

import ast
import inspect
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from sgcws.events import Events, Question, catalog
from sgcws.http.response import CommandResponse
from sgcws.values import RawTCP, Reject
from tests.support import Recorder, World, raiser

SAFE = {
    "on_tcp_connect": False,
    "on_unknown_protocol": False,
    "on_handshake": Reject(500),
    "on_before_command": Reject(500),
    "on_command_get": Reject(500),
    "on_command_other": Reject(500),
}
"""What holds when the handler of a question fails: nobody gets in by it."""

FITS = {
    "on_tcp_connect": (True, False, Reject(), RawTCP()),
    "on_unknown_protocol": (True, False, RawTCP()),
    "on_handshake": (Reject(),),
    "on_before_command": (Reject(), CommandResponse(secure=False)),
    "on_command_get": (Reject(),),
    "on_command_other": (Reject(),),
}
"""What answers a question."""


class CatalogTests(SynchronousTestCase):
    """Each event is documented, and each question has its answers."""

    def test_documented(self) -> None:
        """Each event has a docstring, which the reference shows."""
        (cls,) = [
            node
            for node in ast.parse(inspect.getsource(catalog)).body
            if isinstance(node, ast.ClassDef) and node.name == "Events"
        ]
        for declaration, text in zip(cls.body, cls.body[1:], strict=False):
            if isinstance(declaration, ast.AnnAssign):
                self.assertIsInstance(text, ast.Expr, ast.unparse(declaration))

    def test_safe_answers(self) -> None:
        """A question whose handler fails has its safe answer."""
        events = World().events
        found = {name: getattr(events, name) for name in SAFE}
        for question in found.values():
            question(raiser(KeyError()))
        self.assertEqual({name: question.ask(None) for name, question in found.items()}, SAFE)

    def test_answers(self) -> None:
        """What the documentation names as an answer is one; what fits another question is none."""
        world = World()
        every = [answer for answers in FITS.values() for answer in answers]
        for name, answers in FITS.items():
            question: Question[..., Any] = getattr(world.events, name)
            for answer in every:
                handler = Recorder(answer)
                question(handler)
                fits = any(answer is each or answer == each for each in answers)
                self.assertEqual(question.ask(None), answer if fits else SAFE[name], (name, answer))
                question.remove(handler)


class FailureTests(SynchronousTestCase):
    """Failures are heard of."""

    def setUp(self) -> None:
        """Have events, and hear of what fails."""
        self.world = World()
        self.events: Events = self.world.events

    def lines(self) -> list[tuple[str, str]]:
        """Return what was logged."""
        return self.world.log.lines()

    def test_reported(self) -> None:
        """A handler that fails is told to ``on_exception``, with the connection, and to the log, by its name."""
        hears: Any = Recorder()
        self.events.on_exception(hears)
        peer, _ = self.world.open_peer()
        self.events.on_message(raiser(KeyError()))
        peer.text_received("x", 1)
        ((connection, failure),) = hears.calls
        self.assertIs(connection, peer)
        failure.trap(KeyError)
        self.assertEqual(self.lines(), [("critical", "tests.support.raiser.<locals>.fail failed")])
        self.assertIs(self.world.log.events[0]["log_failure"], failure)

    def test_whom_it_is_about(self) -> None:
        """It is told with the connection of the event, or of its request; None where there is none."""
        hears: Any = Recorder()
        self.events.on_exception(hears)
        for event in (self.events.on_startup, self.events.on_command_get, self.events.on_connect):
            event(raiser(KeyError()))
        peer = self.world.peer()
        self.events.on_startup.tell()
        self.events.on_command_get.ask(SimpleNamespace(connection=peer), None)  # type: ignore[arg-type]
        self.events.on_connect.tell(peer)
        self.assertEqual([connection for connection, _ in hears.calls], [None, peer, peer])

    def test_nobody_listens(self) -> None:
        """The log hears of it whether anybody listens or not."""
        self.events.on_startup(raiser(KeyError()))
        self.events.on_startup.tell()
        self.assertEqual([level for level, _ in self.lines()], ["critical"])

    def test_the_last_word(self) -> None:
        """A handler that fails while it hears of a failure is logged, and hears nothing of itself."""
        fails = raiser(ValueError())
        self.events.on_exception(fails)
        hears: Any = Recorder()
        self.events.on_exception(hears)
        self.events.on_startup(raiser(KeyError()))
        self.events.on_startup.tell()
        self.assertEqual([failure.type for _, failure in hears.calls], [KeyError])
        self.assertEqual(
            [event["log_failure"].type for event in self.world.log.events], [KeyError, ValueError]
        )

    def test_not_assigned(self) -> None:
        """An event is not replaced by a handler, nor is a handler lost under a name that is like an event's."""
        before = self.events.on_message
        for name in ("on_message", "on_mesage"):
            with self.assertRaisesRegex(AttributeError, f"{name} cannot be set; .*@server.on_message"):
                setattr(self.events, name, print)
        self.assertIs(self.events.on_message, before)

    def test_told_by_others(self) -> None:
        """What the rooms report themselves is logged by what it was, and told."""
        hears: Any = Recorder()
        self.events.on_exception(hears)
        failure = Failure(OSError("it broke"))
        self.events.report_failure(None, failure, "a write")
        self.assertEqual(self.lines(), [("critical", "a write failed")])
        self.assertEqual(hears.calls, [(None, failure)])

    def test_cancelled(self) -> None:
        """A handler that nobody waits for any longer has not failed."""
        hears: Any = Recorder()
        self.events.on_exception(hears)
        self.events.on_startup(lambda: Deferred())
        told: Any = self.events.on_startup.tell()
        told.cancel()
        self.successResultOf(told)
        self.assertEqual(hears.calls, [])
        ((level, line),) = self.lines()
        self.assertEqual((level, line.endswith("was cancelled")), ("info", True))
        self.assertNotIn(CancelledError.__name__, line)
