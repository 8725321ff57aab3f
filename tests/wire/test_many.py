"""Ten thousand peers at once, on real sockets: who subscribed gets the news, and nobody else is hurt by who is deaf."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.wire.attacked import MIB, ROOT, AttackedTestCase
from tests.wire.costs import resident
from tests.wire.program import Program, until

COUNT, SUBSCRIBERS, DEAF = 10_000, 1_000, 20

SPARE = 500
"""Descriptors that server and clients need beside one for each connection."""

BROADCASTS = 50


@contextmanager
def soft_limit(count: int) -> Iterator[None]:
    """Let programs begin with few descriptors, as most systems have it."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, before[1]), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


class ManyTests(AttackedTestCase):
    """One server, and a crowd in another process; a smaller one where the system does not allow so many descriptors."""

    timeout = 120

    def setUp(self) -> None:
        """Start both."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.count = min(COUNT, hard - SPARE)
        with soft_limit(1024):
            self.serve(
                websocket={
                    "outgoing": {"high_water": 65536, "limit": 262144, "when_full": "drop_oldest"},
                    "close_timeout": 1.0,
                },
            )
        self.assertEqual(self.program.says(r"open files: 1024 -> (\d+)"), str(hard))
        words = map(str, (self.port, self.count, SUBSCRIBERS, DEAF))
        self.crowd = Program(self, "-m", "tests.wire.crowd", *words, path=ROOT)
        self.crowd.says("ready")

    def tell(self, command: str) -> Any:
        """Send the crowd a command, and return its answer."""
        lines = self.crowd.out.count("\n")
        self.crowd.type(command)
        until(lambda: self.crowd.out.count("\n") > lines)
        return json.loads(self.crowd.out.splitlines()[lines])

    def news(self, count: int) -> None:
        """Broadcast to all who subscribed; an idle one has its echo meanwhile."""
        idle = self.client()
        self.control.send(f"/broadcast news {count} 2048")
        self.assertEqual(self.ask("hello", idle), "hello")
        self.assertEqual(self.tell("ask 100"), 100)
        self.assertEqual(json.loads(self.control.recv()), [SUBSCRIBERS] * count)
        idle.close()

    def test_news(self) -> None:
        """A broadcast reaches the subscribers who read, nobody else is late, memory is flat, and each has one end."""
        self.assertEqual(self.heard()["open"], self.count + 1)
        self.ask("/broadcast deaf 20 65536")
        self.assertEqual(self.heard()["slow"], DEAF)
        self.news(5)
        before = resident(self.pid)
        self.news(BROADCASTS - 5)
        hearing = [BROADCASTS, SUBSCRIBERS - DEAF]
        until(lambda: self.tell("came") == [[0, self.count - SUBSCRIBERS], hearing])
        self.assertLess(resident(self.pid) - before, 16 * MIB)
        self.left(self.count)
        self.assertQuietLog()
        self.program.signal(signal.SIGTERM)
        told = json.loads(self.program.says(r"told (.*)\n"))
        self.assertEqual((told["open"], told["twice"], self.program.ended()), (0, [], 0))
