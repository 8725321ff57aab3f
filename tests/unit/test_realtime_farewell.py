"""Promises of `sgcws.realtime.farewell`: everybody goes, politely if they can, in time if not."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.farewell import farewell, say_goodbye
from tests.support import World


class FarewellTests(SynchronousTestCase):
    """Peers of every kind, and the end of their server."""

    def setUp(self) -> None:
        """Let them come."""
        self.world = World()
        self.world.listen("on_disconnect")
        self.registry = self.world.shared.registry
        self.plain = self.world.peer()
        self.peer, self.framing = self.world.open_peer()

    def end(self, timeout: float = 10.0) -> Deferred[None]:
        """Say farewell."""
        return Deferred.fromCoroutine(
            farewell(self.registry, self.world.reactor, 1001, "going away", timeout)
        )

    def test_say_goodbye(self) -> None:
        """All are told to go, and those that can take messages are counted."""
        self.assertEqual(say_goodbye(self.registry, 1000, "bye"), 1)
        self.assertEqual(self.framing.done, [("shut", 1000, "bye")])
        self.assertEqual(self.plain.holder.done, [("shut", 1000, "bye")])  # type: ignore[attr-defined]

    def test_nobody(self) -> None:
        """With nobody there it is over at once, and leaves no delayed call."""
        self.plain.lost()
        self.peer.lost()
        self.successResultOf(self.end())
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def test_politely(self) -> None:
        """It is over when all have gone by themselves."""
        done = self.end()
        self.peer.lost(1001)
        self.assertNoResult(done)
        self.plain.lost()
        self.successResultOf(done)
        self.assertEqual(self.world.told, [("disconnect", 1001, "")])
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def test_at_the_timeout(self) -> None:
        """Who is left at the timeout is dropped, and no handler is waited for any longer."""
        self.world.events.on_disconnect(lambda connection, code, reason: Deferred())
        done = self.end(timeout=2.0)
        self.world.reactor.advance(1.9)
        self.assertNoResult(done)
        self.world.reactor.advance(0.1)
        self.successResultOf(done)
        self.assertEqual(self.world.told, [("disconnect", 1001, "going away")])
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])

    def test_at_once(self) -> None:
        """A timeout of zero drops everybody in the next turn."""
        done = self.end(timeout=0.0)
        self.world.reactor.advance(0)
        self.successResultOf(done)

    def test_newcomers(self) -> None:
        """Who comes while the others go, through somebody else's listener, is not waited for."""
        done = self.end()
        late, framing = self.world.open_peer()
        self.plain.lost()
        self.peer.lost()
        self.successResultOf(done)
        self.assertEqual((late.is_open, framing.done), (True, []))

    def test_cancelled(self) -> None:
        """Who stops waiting for it leaves no delayed call."""
        done = self.end()
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.assertEqual(len(self.world.reactor.getDelayedCalls()), 1)  # the closing handshake's own
