"""Promises of `sgcws.realtime.answers`: the next message goes to who waits first, in time or not at all."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.answers import Answers


class AnswersTests(SynchronousTestCase):
    """Who waits for messages, and gets them."""

    def setUp(self) -> None:
        """Let nobody wait."""
        self.clock = Clock()
        self.answers = Answers()

    def next(self, timeout: float = 10.0) -> Deferred[str | bytes]:
        """Wait for the next message."""
        return self.answers.next(self.clock, timeout)

    def test_nobody(self) -> None:
        """A message that nobody waits for is not taken."""
        self.assertIs(self.answers.take("a"), False)

    def test_in_order(self) -> None:
        """Each message goes to one, those first who began first."""
        first, second = self.next(), self.next()
        self.assertIs(self.answers.take("a"), True)
        self.assertNoResult(second)
        self.assertIs(self.answers.take(b"b"), True)
        self.assertIs(self.answers.take("c"), False)
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), ("a", b"b"))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_too_late(self) -> None:
        """Nobody waits longer than was said, and the message goes to the next one then."""
        first, second = self.next(1.5), self.next(2)
        self.clock.advance(1.5)
        self.assertEqual(str(self.failureResultOf(first, TimeoutError).value), "no message within 1.5 s")
        self.assertTrue(self.answers.take("a"))
        self.assertEqual(self.successResultOf(second), "a")
        self.clock.advance(10)

    def test_cancelled(self) -> None:
        """Who waits no more gets nothing, and leaves no delayed call."""
        first, second = self.next(), self.next()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.answers.take("a")
        self.assertEqual(self.successResultOf(second), "a")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failed(self) -> None:
        """All hear when nothing will come."""
        waiting = [self.next(), self.next()]
        self.answers.fail(OSError())
        for each in waiting:
            self.failureResultOf(each, OSError)
        self.answers.fail(OSError())
        self.assertEqual((self.answers.take("a"), self.clock.getDelayedCalls()), (False, []))

    def test_who_hears_may_ask_again(self) -> None:
        """Who has got one may wait for the next at once; it does not get the same."""
        got: list[str | bytes] = []

        def again(message: str | bytes) -> None:
            got.append(message)
            self.next().addCallback(again)

        self.next().addCallback(again)
        for text in "abc":
            self.answers.take(text)
        self.assertEqual(got, ["a", "b", "c"])

    def test_who_hears_may_cancel_another(self) -> None:
        """Who hears of the end first may cancel another one that would hear of it."""
        first, second = self.next(), self.next()
        first.addErrback(lambda _: second.cancel())
        self.answers.fail(OSError())
        self.successResultOf(first)
        self.failureResultOf(second, CancelledError)
