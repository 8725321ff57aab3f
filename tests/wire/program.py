"""Programs in processes of their own, for tests. Every call blocks, every wait ends, and so does every program."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Condition, Thread
from typing import IO, TypeVar

from twisted.trial.unittest import SynchronousTestCase
from websockets.sync.client import ClientConnection, connect

import sgcws

__all__ = ["PATIENCE", "TWISTD", "Program", "connected", "free_port", "taken_port", "until"]

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that a wait takes at most."""

TWISTD = ("-P", "-c", "from twisted.scripts.twistd import run; run()")
"""The arguments for Python that make it twistd; as with the script, the current directory is not in its path."""


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which a program finds the sgcws that is tested, and no options of ours."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("SGCWS_")}
    return {**found, "PYTHONPATH": str(Path(sgcws.__file__).parent.parent), "PYTHONUNBUFFERED": "1", **more}


@contextmanager
def none_ignored(*numbers: signal.Signals) -> Iterator[None]:
    """Set signals to their defaults for a while: what is ignored here, as in a script's ``&``, a child ignores too."""
    ignored = [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


class Program:
    """
    A Python program that is ended after the test, if it has not ended by then.

    Args:
        test: The test.
        arguments: For Python.
        path: Its current directory.
        more: Environment variables.
        stdin: Where its standard input comes from; a pipe that `type` and `close_input` are for.
    """

    def __init__(
        self,
        test: SynchronousTestCase,
        *arguments: str,
        path: Path,
        more: Mapping[str, str] | None = None,
        stdin: int = subprocess.PIPE,
    ) -> None:
        self._said = {"out": "", "err": ""}
        self._news = Condition()
        self._pipes = 2
        with none_ignored(signal.SIGINT, signal.SIGTERM):
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=path,
                env=environment(more or {}),
            )
        test.addCleanup(self._end)
        self._listeners = [self._listen("out", self._process.stdout), self._listen("err", self._process.stderr)]

    def _listen(self, name: str, pipe: IO[bytes] | None) -> Thread:
        assert pipe is not None
        thread = Thread(target=self._note, args=(name, pipe), daemon=True)
        thread.start()
        return thread

    def _note(self, name: str, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                with self._news:
                    self._said[name] += line.decode()
                    self._news.notify_all()
        with self._news:
            self._pipes -= 1
            self._news.notify_all()

    @property
    def out(self) -> str:
        """What it has written to standard output."""
        return self._said["out"]

    @property
    def err(self) -> str:
        """What it has written to standard error."""
        return self._said["err"]

    def says(self, pattern: str) -> str:
        """Wait until it has written *pattern*, to whichever of the two, and return the first group, or all of it."""
        with self._news:
            self._news.wait_for(lambda: re.search(pattern, self.out + self.err) or not self._pipes, PATIENCE)
            found = re.search(pattern, self.out + self.err)
        if found is None:
            raise AssertionError(f"{pattern!r} was not said, but {self.out!r} and {self.err!r}")
        return found[found.re.groups and 1]

    def port(self) -> int:
        """Wait until it listens, and return the port."""
        return int(self.says(r"listening on http://\S*:(\d+)/"))

    def ended(self) -> int:
        """Wait for its end, and return its exit status, or the negative number of the signal that ended it."""
        status = self._process.wait(PATIENCE)
        for thread in self._listeners:
            thread.join(PATIENCE)
        return status

    def type(self, line: str, end: str = "\n") -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}{end}".encode())
        self._process.stdin.flush()

    def close_input(self) -> None:
        """End its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def _end(self) -> None:
        self._process.kill()
        self.ended()
        if self._process.stdin is not None:
            self.close_input()


def until(look: Callable[[], T], missing: type[Exception] | tuple[type[Exception], ...] = ()) -> T:
    """Look again and again until there is something, and return it; the *missing* errors mean not yet."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            seen = look()
        except missing:
            seen = None
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"not there within {PATIENCE:.0f} seconds")
        time.sleep(0.02)


@contextmanager
def connected(url: str) -> Iterator[ClientConnection]:
    """Give a WebSocket, as soon as there is somebody who answers."""
    with until(lambda: connect(url, open_timeout=PATIENCE, close_timeout=PATIENCE), ConnectionError) as client:
        yield client


def free_port() -> int:
    """Return a port that nobody listens on."""
    with taken_port() as port:
        return port


@contextmanager
def taken_port() -> Iterator[int]:
    """Give a port that somebody listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port: int = taken.getsockname()[1]
        yield port
