"""Promises of `sgcws.events.question`: one handler answers, and if it cannot, the safe answer holds."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from sgcws.events import Question
from sgcws.values import Reject
from tests.memory import Reactor
from tests.support import Recorder, raiser, recording_caller


class QuestionTests(SynchronousTestCase):
    """A question with False for its safe answer."""

    def setUp(self) -> None:
        """Have a question whose pool runs when told to."""
        self.reactor = Reactor()
        caller, self.reports, _ = recording_caller(self.reactor)
        self.question: Question[[str], bool | Reject] = Question("on_x", caller, safe=False, answers=(bool, Reject))

    def kinds(self) -> list[type]:
        """Return the types of what was reported."""
        return [failure.type for _, failure, _ in self.reports]

    def test_nobody(self) -> None:
        """Without a handler the answer is None, at once."""
        self.assertFalse(self.question)
        self.assertIsNone(self.question.ask("a"))

    def test_registering(self) -> None:
        """Registering gives the handler back, in each of its forms."""
        handler: Any = Recorder()
        for register in (
            self.question,
            self.question(threaded=True),
            lambda each: self.question(each, threaded=True),
        ):
            self.assertIs(register(handler), handler)
            self.assertTrue(self.question)
            self.question.remove(handler)
            self.assertFalse(self.question)

    def test_one_only(self) -> None:
        """A second handler is refused by the name of the first, which stays."""
        first: Any = Recorder(True)
        self.question(first)
        error = self.assertRaises(ValueError, self.question, raiser(KeyError()))
        self.assertEqual(str(error), "on_x is answered by tests.support.Recorder already")
        self.assertIs(self.question.ask("a"), True)

    def test_remove(self) -> None:
        """The handler can be taken off and another be put in its place; one that is not there is refused."""
        handler: Any = Recorder(True)
        error = self.assertRaises(ValueError, self.question.remove, handler)
        self.assertEqual(str(error), "on_x: tests.support.Recorder is not registered")
        self.question(handler)
        self.assertRaises(ValueError, self.question.remove, Recorder())
        self.question.remove(handler)
        self.assertIsNone(self.question.ask("a"))
        self.question(handler)
        self.assertIs(self.question.ask("a"), True)

    def test_refused(self) -> None:
        """What can be no handler is refused."""

        async def handler(word: str) -> None:
            """Do nothing."""

        self.assertRaises(TypeError, self.question(threaded=True), handler)
        self.assertRaises(TypeError, self.question, None if self.question else 5)
        self.assertFalse(self.question)

    def test_answers(self) -> None:
        """The answer comes back as it is, at once if it is known at once."""
        for answer in (None, True, False, Reject()):
            handler: Any = Recorder(answer)
            self.question(handler)
            self.assertIs(self.question.ask("a"), answer)
            self.assertEqual(handler.calls, [("a",)])
            self.question.remove(handler)
        self.assertEqual(self.reports, [])

    def test_async(self) -> None:
        """A coroutine that waits, a Deferred and a threaded handler answer later."""
        reject, waiting = Reject(), Deferred[None]()

        async def handler(word: str) -> Reject:
            await waiting
            return reject

        self.question(handler)
        answer: Any = self.question.ask("a")
        self.assertNoResult(answer)
        waiting.callback(None)
        self.assertIs(self.successResultOf(answer), reject)
        self.question.remove(handler)

        threaded: Any = Recorder(reject)
        self.question(threaded, threaded=True)
        answer = self.question.ask("a")
        self.reactor.pool.run()
        self.assertIs(self.successResultOf(answer), reject)
        self.question.remove(threaded)

        deferred: Any = Recorder(succeed(None))
        self.question(deferred)
        answer = self.question.ask("a")
        self.assertIsNone(self.successResultOf(answer))

    def test_failing(self) -> None:
        """When the handler fails, at once or later, that is reported and the safe answer holds."""
        self.question(raiser(KeyError()))
        self.assertIs(self.question.ask("a"), False)
        self.setUp()
        handler: Any = Recorder(fail(KeyError()))
        self.question(handler)
        answer: Any = self.question.ask("a")
        self.assertIs(self.successResultOf(answer), False)
        ((args, failure, name),) = self.reports
        self.assertEqual((args, failure.type, name), (("a",), KeyError, "tests.support.Recorder"))

    def test_no_answer(self) -> None:
        """What is no answer is a failure, too: a wrong type lets nobody in, and its value is not shown."""
        for answer in ("secret", 0, 1, [], object(), ValueError("secret")):
            self.setUp()
            handler: Any = Recorder(answer)
            self.question(handler)
            self.assertIs(self.question.ask("a"), False)
            self.question.remove(handler)
            later: Any = Recorder(succeed(answer))
            self.question(later)
            deferred: Any = self.question.ask("a")
            self.assertIs(self.successResultOf(deferred), False)
            self.assertEqual(self.kinds(), [TypeError, TypeError])
            words = str(self.reports[0][1].value)
            self.assertNotIn("secret", words)
            self.assertIn("does not answer on_x; allowed: None, bool, Reject", words)

    def test_cancelled(self) -> None:
        """When nobody waits for the answer any longer it is the safe one, and the handler is cancelled."""
        seen: list[str] = []

        async def handler(word: str) -> bool:
            await Deferred(lambda _: seen.append("cancelled"))
            return True

        self.question(handler)
        answer: Any = self.question.ask("a")
        answer.cancel()
        self.assertIs(self.successResultOf(answer), False)
        self.assertEqual((seen, self.kinds()), (["cancelled"], [CancelledError]))

    def test_change_while_asked(self) -> None:
        """A handler that is taken off while it is waited for still answers."""
        waiting: Deferred[bool | None] = Deferred()
        handler: Any = Recorder(waiting)
        self.question(handler)
        answer: Any = self.question.ask("a")
        self.question.remove(handler)
        waiting.callback(True)
        self.assertIs(self.successResultOf(answer), True)
