"""
What ``twistd sgcws`` serves when no application is named: a chat at ``/chat``, an echo on every other path.

It is also the example to read. `chat_server` registers the handlers, `Chat` carries messages between connections and
the room, and `Room` holds all the rules, on plain values, without a connection.
The messages are JSON objects, one in each text message; `read` tells those that a client may send.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import time
import unicodedata
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import attrs

from sgcws import Connection, HTTPOptions, WebSocketHTTPServer

__all__ = ["Chat", "Join", "Line", "Pace", "Refused", "Room", "Say", "Welcome", "chat_server", "read"]

PATH = "/chat"
REPLACED = 4000
"""The close code for a connection whose person has come back on another one."""

LONGEST_NAME = 32
LONGEST_TEXT = 2000
LONGEST_MESSAGE = 12 * LONGEST_TEXT + 1000
"""Characters of JSON: those of the longest text may be written as 12 each."""
MOST_PEOPLE = 200
"""How many the room holds: each hears of each coming and going."""
HISTORY = 50
"""The lines that are kept for those who join."""
BURST, PERIOD = 20, 10.0
"""A person may say this many lines in so many seconds."""
ADDRESS_BURST = 100
"""So many lines, and so many joins, may come from one address in that time: whole offices have one."""

UNSEEN = re.compile(
    r"[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""What leaves no mark: Unicode's Default_Ignorable_Code_Point, and the blanks of Braille and of music."""


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
    home: str


class Pace:
    """
    Counts what each of many has done in the last `PERIOD`; who has done nothing in it is forgotten.

    Args:
        now: Returns the time in seconds.
        most: How much is allowed in the period.
    """

    def __init__(self, now: Callable[[], float], most: int) -> None:
        self._now = now
        self._most = most
        self._times: OrderedDict[str, deque[float]] = OrderedDict()  # whoever did something last stands last

    def __len__(self) -> int:
        return len(self._times)

    def allows(self, who: str) -> bool:
        """Tell whether somebody may do one thing more."""
        return len(self._of_late(who)) < self._most

    def count(self, who: str) -> None:
        """Note that somebody has done one thing more."""
        self._times[who] = self._of_late(who)
        self._times[who].append(self._now())
        self._times.move_to_end(who)
        while self._times and not self._of_late(first := next(iter(self._times))):
            del self._times[first]

    def _of_late(self, who: str) -> deque[float]:
        times = self._times.get(who, deque())
        # Not below 0: after the clock was set back nobody has to wait for it to catch up.
        while times and not 0 <= self._now() - times[0] < PERIOD:
            times.popleft()
        return times


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
        # By name and by address, not by connection: leaving and joining anew helps nobody.
        self._joins_from = Pace(now, ADDRESS_BURST)
        self._lines_from = Pace(now, ADDRESS_BURST)
        self._lines_of = Pace(now, BURST)
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

    def join(self, guid: str, wanted: Join, address: str = "") -> Welcome:
        """
        Let somebody in.

        Names that look the same but for case, width, spaces or what cannot be seen are the same name.
        Whoever has the token of the one who bears it takes it over; the token stays valid.

        Args:
            guid: The connection.
            wanted: The name, and the token if there is one.
            address: The IP address it comes from; empty if it has none.

        Raises:
            Refused: If the connection has joined already, the name is not allowed or taken, the room is full, or too
                many joins came from the address at once.
        """
        if guid in self._people:
            raise Refused("bad-message", "You have joined already.")
        name = _checked_name(wanted.name)
        key = _key(name)
        holder = next((person for person in self._people.values() if person.key == key), None)
        if holder is not None and not _same(holder.token, wanted.token):
            raise Refused("name-taken", "Somebody here has this name already.")
        if holder is None and len(self._people) >= MOST_PEOPLE:
            raise Refused("full", "The room is full. Try again later.")
        self._count_join(home := _home(address))
        token = self._new_token() if holder is None else holder.token
        if holder is not None:
            name = self._people.pop(holder.guid).name
        self._people[guid] = _Person(name, key, token, guid, home)
        return Welcome(name, token, None if holder is None else holder.guid)

    def _count_join(self, home: str) -> None:
        if not self._joins_from.allows(home):
            raise Refused("too-fast", "Too many join from your address. Wait a moment.")
        self._joins_from.count(home)

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
        self._count_line(person)
        self._last_id += 1
        line = Line(self._last_id, person.name, text, self._now())
        self._lines.append(line)
        return line

    def _count_line(self, person: _Person) -> None:
        if not (self._lines_of.allows(person.key) and self._lines_from.allows(person.home)):
            raise Refused("too-fast", "Too many lines in a short time. Wait a moment.")
        self._lines_of.count(person.key)
        self._lines_from.count(person.home)

    def leave(self, guid: str) -> str | None:
        """Let a connection go; return the name of who has left with it, or None if nobody has."""
        person = self._people.pop(guid, None)
        return None if person is None else person.name


def _key(name: str) -> str:
    """Return what two names have in common that people would take for the same."""
    folded = unicodedata.normalize("NFKC", UNSEEN.sub("", name)).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _home(address: str) -> str:
    """Return what the addresses of one household share: all of IPv4, the first half of IPv6."""
    return ip_address(address).packed[:8].hex() if address else ""


def _same(secret: str, given: str | None) -> bool:
    return given is not None and hmac.compare_digest(secret.encode(), given.encode("utf-8", "surrogatepass"))


def _checked_name(text: str) -> str:
    """Return a name without spaces around it; what cannot be seen, or turns the text around it, may not be in it."""
    name = text.strip()
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable() or not _key(name):
        raise Refused("bad-name", f"A name has 1 to {LONGEST_NAME} printable characters, and something to see.")
    return name


def _check_text(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise Refused("too-long", f"A line has at most {LONGEST_TEXT} characters.")
    if not UNSEEN.sub("", text).strip():
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
        if connection.data == REPLACED:
            return  # it was told to close, and what it still says comes too late
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
        """Hear that a connection has ended; while a server stops nobody is told, since all are closing."""
        name = self._room.leave(connection.guid)
        if name is not None:
            self._tell(self._room.guids, "left", name=name)

    def _join(self, connection: Connection, wanted: Join) -> None:
        room = self._room
        welcome = room.join(connection.guid, wanted, connection.ip)
        lines = [attrs.asdict(line) for line in room.lines]
        connection.write_data(
            _message("welcome", name=welcome.name, token=welcome.token, run=room.run, people=room.people, lines=lines)
        )
        if welcome.replaced is None:
            others = [guid for guid in room.guids if guid != connection.guid]
            self._tell(others, "joined", name=welcome.name)
        elif welcome.replaced in self._server.connections:
            ghost = self._server.connections[welcome.replaced]
            ghost.data = REPLACED
            ghost.close(REPLACED, "replaced")

    def _tell(self, guids: list[str], kind: str, **values: object) -> None:
        self._server.broadcast(_message(kind, **values), include=guids)


def _message(kind: str, **values: object) -> str:
    return json.dumps({"type": kind, **values}, ensure_ascii=False)
