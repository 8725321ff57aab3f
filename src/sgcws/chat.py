"""
What ``twistd sgcws`` serves when no application is named: a chat at ``/chat``, an echo on every other path.

It is also the example to read. `chat_server` registers the handlers, `Chat` carries messages between connections and
the room, and `Room` holds all the rules, on plain values, without a connection.
The messages are JSON objects, one in each text message; `read` tells those that a client may send.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
import unicodedata
from collections import deque
from collections.abc import Callable
from typing import Any

import attrs

from sgcws import Connection, HTTPOptions, WebSocketHTTPServer

__all__ = ["Chat", "Join", "Line", "Refused", "Room", "Say", "Welcome", "chat_server", "read"]

PATH = "/chat"
REPLACED = 4000
"""The close code for a connection whose person has come back on another one."""

LONGEST_NAME = 32
LONGEST_TEXT = 2000
LONGEST_MESSAGE = 12 * LONGEST_TEXT + 1000
"""Characters of JSON: those of the longest text may be written as 12 each."""
MOST_PEOPLE = 1000
"""How many the room holds: each hears of each coming and going, with the names of all."""
HISTORY = 50
"""The lines that are kept for those who join."""
BURST, PERIOD = 20, 10.0
"""A person may say this many lines in so many seconds."""


def chat_server(reactor: Any = None) -> WebSocketHTTPServer:
    """
    Make a server with a chat at ``/chat``, an echo on every other path, and the built-in pages.

    Args:
        reactor: Twisted's global reactor by default.
    """
    server = WebSocketHTTPServer(reactor=reactor, http=HTTPOptions(test_pages=True))
    chat = Chat(server, Room(time.time if reactor is None else reactor.seconds, secrets.token_urlsafe))

    @server.on_message
    def message(connection: Connection, text: str) -> None:
        if connection.path == PATH:
            chat.hear(connection, text)
        else:
            connection.write_data(text)

    @server.on_binary
    def binary(connection: Connection, data: bytes) -> None:
        if connection.path == PATH:
            chat.refuse(connection, Refused("bad-message", "The chat takes text messages only."))
        else:
            connection.write_data(data)

    @server.on_disconnect
    def disconnect(connection: Connection, code: int, reason: str) -> None:
        chat.leave(connection)

    return server


class Refused(Exception):
    """
    What a client asked for is not done.

    Args:
        code: ``name-taken``, ``bad-name``, ``full``, ``not-joined``, ``bad-message``, ``too-long`` or ``too-fast``.
        message: Why, for a person. It never repeats what the client sent.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


@attrs.frozen
class Join:
    """``{"type": "join", "name": ..., "token": ...}``: somebody comes; the token is that of an earlier welcome."""

    name: str
    token: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Say:
    """``{"type": "say", "text": ...}``: somebody says a line."""

    text: str


def read(message: str) -> Join | Say:
    """
    Read one message of a client.

    Raises:
        Refused: If it is none of the two, or too long.
    """
    if len(message) > LONGEST_MESSAGE:
        raise Refused("too-long", f"A message has at most {LONGEST_MESSAGE} characters.")
    try:
        loaded = json.loads(message)
    except (ValueError, RecursionError):
        loaded = None
    match loaded:
        case {"type": "join", "name": str(name), "token": str(token)}:
            return Join(name, token)
        case {"type": "join", "name": str(name), **rest} if "token" not in rest:
            return Join(name)
        case {"type": "say", "text": str(text)}:
            return Say(text)
    raise Refused("bad-message", "This is no message of the chat.")


@attrs.frozen
class Line:
    """One line that was said; ``at`` is in seconds since 1970."""

    id: int
    name: str
    text: str
    at: float


@attrs.frozen
class Welcome:
    """What somebody who joins is told; ``replaced`` is the connection that had the name until now, if any."""

    name: str
    token: str = attrs.field(repr=False)
    replaced: str | None


@attrs.define
class _Person:
    name: str
    key: str
    token: str = attrs.field(repr=False)
    guid: str
    said_at: deque[float] = attrs.field(factory=lambda: deque(maxlen=BURST))


class Room:
    """
    Who is here and what was said.

    Args:
        now: Returns the time in seconds since 1970.
        new_token: Returns a secret that nobody can guess.
    """

    def __init__(self, now: Callable[[], float], new_token: Callable[[], str]) -> None:
        self._now = now
        self._new_token = new_token
        self._people: dict[str, _Person] = {}
        self._lines: deque[Line] = deque(maxlen=HISTORY)
        self._last_id = 0
        self.run = new_token()

    @property
    def people(self) -> list[str]:
        """The names of those who are here."""
        return [person.name for person in self._people.values()]

    @property
    def guids(self) -> list[str]:
        """The connections of those who are here."""
        return list(self._people)

    @property
    def lines(self) -> list[Line]:
        """The last lines, the oldest first."""
        return list(self._lines)

    def join(self, guid: str, wanted: Join) -> Welcome:
        """
        Let somebody in.

        Names that look the same but for case, width or spaces are the same name.
        Whoever has the token of the one who bears it takes it over; the token stays valid.

        Raises:
            Refused: If the connection has joined already, the name is not allowed or taken, or the room is full.
        """
        if guid in self._people:
            raise Refused("bad-message", "You have joined already.")
        name = _checked_name(wanted.name)
        key = _key(name)
        holder = next((person for person in self._people.values() if person.key == key), None)
        if holder is None:
            return self._let_in(_Person(name, key, self._new_token(), guid))
        if not _same(holder.token, wanted.token):
            raise Refused("name-taken", "Somebody here has this name already.")
        return self._take_over(holder, guid)

    def _let_in(self, person: _Person) -> Welcome:
        if len(self._people) >= MOST_PEOPLE:
            raise Refused("full", "The room is full. Try again later.")
        self._people[person.guid] = person
        return Welcome(person.name, person.token, None)

    def _take_over(self, person: _Person, guid: str) -> Welcome:
        replaced, person.guid = person.guid, guid
        del self._people[replaced]
        self._people[guid] = person
        return Welcome(person.name, person.token, replaced)

    def say(self, guid: str, text: str) -> Line:
        """
        Note a line, exactly as it was said.

        Raises:
            Refused: If the connection has not joined, the text is not allowed, or too many lines came at once.
        """
        person = self._people.get(guid)
        if person is None:
            raise Refused("not-joined", "Join first.")
        _check_text(text)
        self._count(person)
        self._last_id += 1
        line = Line(self._last_id, person.name, text, self._now())
        self._lines.append(line)
        return line

    def _count(self, person: _Person) -> None:
        now = self._now()
        # Not below 0: after the clock was set back nobody has to wait for it to catch up.
        if len(person.said_at) == BURST and 0 <= now - person.said_at[0] < PERIOD:
            raise Refused("too-fast", f"At most {BURST} lines in {PERIOD:.0f} seconds. Wait a moment.")
        person.said_at.append(now)

    def leave(self, guid: str) -> str | None:
        """Let a connection go; return the name of who has left with it, or None if nobody has."""
        person = self._people.pop(guid, None)
        return None if person is None else person.name


def _key(name: str) -> str:
    """Return what two names have in common that people would take for the same."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


def _same(secret: str, given: str | None) -> bool:
    return given is not None and hmac.compare_digest(secret.encode(), given.encode("utf-8", "surrogatepass"))


def _checked_name(text: str) -> str:
    """Return a name without spaces around it; what cannot be seen, or turns the text around it, may not be in it."""
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Refused("bad-name", f"A name has 1 to {LONGEST_NAME} printable characters.")
    return name


def _check_text(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise Refused("too-long", f"A line has at most {LONGEST_TEXT} characters.")
    if not text.strip():
        raise Refused("bad-message", "A line is not empty.")
    # Cc: control, Cs: half a surrogate pair, Zl and Zp: other ends of a line.
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        raise Refused("bad-message", "A line has no line breaks and no control characters.")


class Chat:
    """
    Carries messages between the connections of a server and a room.

    Args:
        server: Whose connections they are.
        room: The room.
    """

    def __init__(self, server: WebSocketHTTPServer, room: Room) -> None:
        self._server = server
        self._room = room

    def hear(self, connection: Connection, message: str) -> None:
        """Do what a message asks for, or tell its sender why not."""
        try:
            match read(message):
                case Join() as wanted:
                    self._join(connection, wanted)
                case Say(text):
                    line = self._room.say(connection.guid, text)
                    self._tell(self._room.guids, "line", **attrs.asdict(line))
        except Refused as refused:
            self.refuse(connection, refused)

    def refuse(self, connection: Connection, refused: Refused) -> None:
        """Tell a client why what it asked for is not done; the connection stays."""
        connection.write_data(_message("error", code=refused.code, message=refused.message))

    def leave(self, connection: Connection) -> None:
        """Hear that a connection has ended."""
        name = self._room.leave(connection.guid)
        if name is not None:
            self._tell(self._room.guids, "left", name=name, people=self._room.people)

    def _join(self, connection: Connection, wanted: Join) -> None:
        room = self._room
        welcome = room.join(connection.guid, wanted)
        lines = [attrs.asdict(line) for line in room.lines]
        connection.write_data(
            _message("welcome", name=welcome.name, token=welcome.token, run=room.run, people=room.people, lines=lines)
        )
        if welcome.replaced is None:
            others = [guid for guid in room.guids if guid != connection.guid]
            self._tell(others, "joined", name=welcome.name, people=room.people)
        elif welcome.replaced in self._server.connections:
            self._server.connections[welcome.replaced].close(REPLACED, "replaced")

    def _tell(self, guids: list[str], kind: str, **values: object) -> None:
        self._server.broadcast(_message(kind, **values), include=guids)


def _message(kind: str, **values: object) -> str:
    return json.dumps({"type": kind, **values}, ensure_ascii=False)
