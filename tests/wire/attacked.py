"""A server in a process of its own, to be attacked by a test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase
from websockets.protocol import State
from websockets.sync.client import ClientConnection, connect

from tests.cases.frames import TEXT
from tests.tls import for_two_threads, tls_files
from tests.wire.attacks import Attacker, trusting
from tests.wire.costs import descriptors, forget_peak, peak, resident
from tests.wire.program import PATIENCE, Program, until

__all__ = ["MIB", "ROOT", "SLACK", "TIMED", "AttackedTestCase"]

MIB = 1024**2

SLACK = 32 * MIB
"""What a server may grow beside what a limit allows: buffers, and the pages that its memory allocator holds."""

TIMED = 1.0
"""Seconds that a flood lasts, if nobody ends it."""

SMALL = 16384
"""Bytes that the system takes for a peer that does not read."""

ROOT = Path(__file__).parent.parent.parent


class AttackedTestCase(SynchronousTestCase):
    """
    Attacks `tests.wire.target`, and looks at what it costs.

    Attributes:
        tls: Whether the server speaks TLS.
        program: The server.
        pid: Of its process.
        port: Where it listens.
        control: A client that behaves.
    """

    tls = False
    program: Program
    pid: int
    port: int
    control: ClientConnection

    def serve(self, **options: Any) -> None:
        """Start the server, with the groups of options given."""
        if not Path("/proc/self/clear_refs").exists():
            raise SkipTest("memory is read from Linux's /proc")
        if self.tls:
            files = tls_files(self.mktemp())
            options["tls"] = {"certificate": files.certificate, "private_key": files.private_key}
        self.program = Program(self, "-m", "tests.wire.target", "0", json.dumps(options), str(SMALL), path=ROOT)
        self.port = int(self.program.says(r"listening on \S*:(\d+)/"))
        self.pid = int(self.program.says(r"process (\d+)"))
        self.behaving: list[ClientConnection] = []
        self.control = self.client()

    def client(self) -> ClientConnection:
        """Connect one that behaves; it is closed after the test."""
        opened = connect(
            f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.port}/",
            ssl=for_two_threads(trusting()) if self.tls else None,
            compression=None,
            open_timeout=PATIENCE,
            close_timeout=1,
            max_size=None,
        )
        self.addCleanup(opened.close)
        self.behaving.append(opened)
        return opened

    def attacker(self, path: str = "/", **how: Any) -> Attacker:
        """Connect one that does not; it is closed after the test."""
        opened = Attacker(self.port, path, tls=self.tls, **how)
        self.addCleanup(opened.close)
        return opened

    def ask(self, question: str, client: ClientConnection | None = None) -> str:
        """Send a text, and return the answer."""
        asked = client or self.control
        asked.send(question)
        answer = asked.recv(PATIENCE)
        assert isinstance(answer, str)
        return answer

    def heard(self) -> dict[str, Any]:
        """Return what the application has heard."""
        found: dict[str, Any] = json.loads(self.ask("/told"))
        return found

    def guid_of(self, attacker: Attacker) -> str:
        """Return the guid of an attacker."""
        attacker.say("/guid")
        attacker.reads(attacker.incoming.frames[TEXT] + 1, TEXT)
        return attacker.incoming.order[-1].decode()

    def left(self, count: int = 0) -> None:
        """Wait until only so many connections are open beside those of clients that behave."""
        until(lambda: self.heard()["open"] == count + sum(one.protocol.state is State.OPEN for one in self.behaving))

    @contextmanager
    def growth_below(self, bound: int) -> Iterator[None]:
        """Hold the server to so many bytes of memory more than before, at any time in the block."""
        forget_peak(self.pid)
        before = resident(self.pid)
        yield
        grown = peak(self.pid) - before
        self.assertLess(grown, bound, f"it grew by {grown / MIB:.1f} MiB")

    @contextmanager
    def others_served(self) -> Iterator[None]:
        """Hold the server to answer another client all through the block."""
        client, done, answers = self.client(), Event(), 0
        failures: list[Exception] = []

        def ask() -> None:
            nonlocal answers
            try:
                while not done.wait(0.005) or not answers:
                    self.assertEqual(self.ask("hello", client), "hello")
                    answers += 1
            except Exception as error:
                failures.append(error)

        thread = Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(PATIENCE)
            client.close()
        self.assertEqual(failures, [])
        self.assertGreater(answers, 0)

    @contextmanager
    def descriptors_kept(self) -> Iterator[None]:
        """Hold the server to have as many descriptors open after the block as before it."""
        before = descriptors(self.pid)
        yield
        until(lambda: descriptors(self.pid) == before)

    def assertQuietLog(self) -> None:
        """Check that nothing has failed, by the log and by what the application has heard."""
        self.assertEqual(self.heard()["exceptions"], 0)
        self.assertEqual(self.heard()["twice"], [])
        for words in ("Traceback", "Unhandled", "rror:"):
            self.assertNotIn(words, self.program.err)
