"""
A chat client for the command line, for the chat that ``twistd sgcws`` serves.

::

    python examples/chat_client.py ws://127.0.0.1:8080/chat --name Ann

Every line you type is said. The end of the input (Ctrl-D) leaves as soon as all of it is said, Ctrl-C at once.
A connection that is lost is made again. What goes wrong is written to standard error, and the status is 1 then.
"""

from __future__ import annotations

import argparse
import json
from collections import deque
from typing import Any
from urllib.parse import urlsplit

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IHalfCloseableProtocol, IReactorTime, IStreamClientEndpoint
from twisted.internet.ssl import optionsForClientTLS
from twisted.internet.stdio import StandardIO
from twisted.internet.task import react
from twisted.protocols.basic import LineReceiver
from zope.interface import implementer

REPLACED = 4000
"""The close code that says: you are here on another connection now."""

ANSWER_TIMEOUT = 10.0
"""Seconds to wait for a first welcome when the input has ended."""


class Talk:
    """
    One person's part in the chat; it outlives connections.

    Args:
        name: Of the person.
        clock: Tells how long there was no answer.

    Attributes:
        ended: A Deferred that fires when the person has left, and fails if the chat does not go on.
    """

    def __init__(self, name: str, clock: IReactorTime) -> None:
        self.name = name
        self._clock = clock
        self.ended: Deferred[None] = Deferred()
        self.terminal = Terminal(self)
        self._token: str | None = None  # the secret by which the server knows us again
        self._seen = ("", 0)  # the run of the server, and its last line that was shown
        self._connection: Connection | None = None  # once the server has welcomed us on it
        self._unsaid: deque[str] = deque(maxlen=100)
        self._leaving = False
        self._refusal: str | None = None  # of something said that the server answered after we began to leave

    # From the terminal.

    def say(self, text: str) -> None:
        """Say a line, now or when there is a connection."""
        if self._connection is None:
            self._unsaid.append(text)
        else:
            self._connection.send("say", text=text)

    def leave(self, at_once: bool = False) -> Deferred[None]:
        """Leave; before the first welcome wait for it, and say what was typed, unless it has to be at once."""
        self._leaving = True
        if self._connection is not None:
            self._connection.sendClose(1000)
        elif at_once:
            self._end()
        elif self._token is None:
            self._clock.callLater(ANSWER_TIMEOUT, self._give_up)
        else:
            self._end("the connection is lost, and not all was said" if self._unsaid else None)
        return self.ended

    # From the connection.

    def opened(self, connection: Connection) -> None:
        """Join on a new connection."""
        known = {} if self._token is None else {"token": self._token}
        connection.send("join", name=self.name, **known)

    def hear(self, connection: Connection, message: Any) -> None:
        """Understand a message of the server."""
        match message:
            case {"type": "welcome", "name": name, "token": token, "run": run, "people": people, "lines": lines}:
                self._token = token
                self._welcomed(connection, f"* you are {name}; here: {', '.join(people)}", run, lines)
            case {"type": "line", **line}:
                self._show_line(line)
            case {"type": "joined", "name": name}:
                self.terminal.show(f"* {name} has come")
            case {"type": "left", "name": name}:
                self.terminal.show(f"* {name} has left")
            case {"type": "error", "message": text} if self._connection is not None:
                self._refused(str(text))
            case {"type": "error", "message": text}:
                self._end(str(text))
            case _:
                self._end("what answers there is not the chat")

    def closed(self, code: int | None, reason: str) -> None:
        """Hear that a connection has ended, or never opened."""
        was_here, self._connection = self._connection is not None, None
        if self._leaving and was_here:
            self._end(self._refusal)
        elif code == REPLACED:
            self._end("you are here on another connection now")
        elif self._token is None:
            self._end(reason)
        elif was_here:
            self.terminal.show("* the connection is lost; trying to connect again")

    def _welcomed(self, connection: Connection, greeting: str, run: str, lines: list[dict[str, Any]]) -> None:
        self._connection = connection
        if run != self._seen[0]:
            self._seen = (run, 0)
        self.terminal.show(greeting)
        for line in lines:
            self._show_line(line)
        while self._unsaid:
            self.say(self._unsaid.popleft())
        if self._leaving:
            connection.sendClose(1000)

    def _refused(self, text: str) -> None:
        if self._leaving:
            self._refusal = text
        else:
            self.terminal.show(f"! {text}")

    def _show_line(self, line: dict[Any, Any]) -> None:
        run, last = self._seen
        if line["id"] > last:
            self._seen = (run, line["id"])
            self.terminal.show(f"{line['name']}: {line['text']}")

    def _give_up(self) -> None:
        if self._token is None:
            self._end("there was no answer")

    def _end(self, problem: str | None = None) -> None:
        if not self.ended.called:
            if problem is None:
                self.ended.callback(None)
            else:
                self.ended.errback(RuntimeError(problem))


class Connection(WebSocketClientProtocol):
    """One WebSocket to the server."""

    factory: Connections

    def send(self, kind: str, **values: str) -> None:
        """Send one message."""
        self.sendMessage(json.dumps({"type": kind, **values}).encode())

    def onOpen(self) -> None:
        """Join."""
        self.factory.talk.opened(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Read a message."""
        try:
            message = json.loads(payload)
        except ValueError:
            message = None
        self.factory.talk.hear(self, message)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Tell of the end."""
        self.factory.talk.closed(code, reason or "the connection was closed")


class Connections(WebSocketClientFactory):
    """Makes the connections of one talk."""

    noisy = False

    def __init__(self, url: str, talk: Talk) -> None:
        super().__init__(url)
        self.protocol = Connection
        self.talk = talk
        # A server that is gone without a word is noticed after half a minute.
        self.setProtocolOptions(autoPingInterval=20, autoPingTimeout=10)


@implementer(IHalfCloseableProtocol)
class Terminal(LineReceiver):
    """Standard input and output."""

    delimiter = b"\n"

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    def show(self, text: str) -> None:
        """Write a line, without what could steer the terminal."""
        shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
        self.sendLine(shown.encode(errors="replace"))

    def lineReceived(self, line: bytes) -> None:
        """Say what was typed."""
        text = line.decode(errors="replace").strip()
        if text:
            self._talk.say(text)

    def readConnectionLost(self) -> None:
        """Leave at the end of the input; its last line may have no end."""
        self.lineReceived(self.clearLineBuffer())
        self._talk.leave()

    def writeConnectionLost(self) -> None:
        """Leave when nobody reads any more."""
        self._talk.leave()


def endpoint_for(reactor: Any, url: str) -> IStreamClientEndpoint:
    """Return where to connect to for a ``ws:`` or ``wss:`` URL."""
    parts = urlsplit(url)
    secure = parts.scheme == "wss"
    host = parts.hostname or ""
    endpoint = HostnameEndpoint(reactor, host, parts.port or (443 if secure else 80))
    return wrapClientTLS(optionsForClientTLS(host), endpoint) if secure else endpoint


async def main(reactor: Any, url: str, name: str) -> None:
    """Chat until the person leaves."""
    talk = Talk(name, reactor)
    terminal = StandardIO(talk.terminal, reactor=reactor)
    service = ClientService(endpoint_for(reactor, url), Connections(url, talk), clock=reactor)
    service.startService()
    # Only the first attempt to connect is final; after that the service tries again and again.
    # The failure is told a moment later, since the service cannot be stopped from inside of its own call.
    service.whenConnected(failAfterFailures=1).addErrback(
        lambda failure: reactor.callLater(0, talk.closed, None, str(failure.value))
    )
    reactor.addSystemEventTrigger("before", "shutdown", talk.leave, at_once=True)
    try:
        await talk.ended
    except RuntimeError as error:
        raise SystemExit(f"{url}: {error}") from None
    finally:
        await service.stopService()
        terminal.loseConnection()


def websocket_url(words: str) -> str:
    """Check an address given on the command line."""
    try:
        parts = urlsplit(words)
        sound = parts.scheme in ("ws", "wss") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise argparse.ArgumentTypeError(f"{words!r} is no WebSocket address such as ws://127.0.0.1:8080/chat")
    return words


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Chat with the people at a server of sgcws.")
    parser.add_argument("url", type=websocket_url, help="as in ws://127.0.0.1:8080/chat")
    parser.add_argument("--name", required=True, help="who you are")
    arguments = parser.parse_args()
    react(main, (arguments.url, arguments.name))
