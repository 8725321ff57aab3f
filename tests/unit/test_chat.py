"""Promises of `sgcws.chat`."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.uri import parse_uri

from sgcws import chat
from sgcws.chat import (
    ADDRESS_BURST,
    BURST,
    HISTORY,
    LONGEST_MESSAGE,
    MOST_PEOPLE,
    PERIOD,
    Join,
    Pace,
    Refused,
    Room,
    Say,
    chat_server,
    read,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Text with lone surrogates too."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)
SHAPED = st.fixed_dictionaries(
    {"type": st.sampled_from(["join", "say", "leave"]) | JSON},
    optional={"name": ANY_TEXT | JSON, "text": ANY_TEXT | JSON, "token": ANY_TEXT | JSON},
)
MESSAGES = ANY_TEXT | JSON.map(json.dumps) | SHAPED.map(json.dumps)
"""What a client may send: anything, JSON, and nearly right."""

UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180f\u2800\u3164\ufe00\ufe0f\uffa0\U0001d159\U000e0100\U000e01ef"
"""Printable for Python, and nothing to see."""

NAMES = st.sampled_from(["Ann", "ann", "ANN", "Bob", "Zoë", "A  nn", "", "\u202eBob"])
STEPS = st.lists(
    st.tuples(st.just("join"), st.integers(0, 5), NAMES, st.none() | st.integers(0, 8).map(str))
    | st.tuples(st.just("say"), st.integers(0, 5), ANY_TEXT)
    | st.tuples(st.just("leave"), st.integers(0, 5))
    | st.tuples(st.just("wait"), st.floats(-100.0, 100.0)),
    max_size=60,
)


def tokens() -> Any:
    """Return a source of tokens: "0", "1", ...; the first becomes the id of the run."""
    numbers = count()
    return lambda: str(next(numbers))


class ReadTests(SynchronousTestCase):
    """A message is one of two, or refused."""

    def test_messages(self) -> None:
        """Those who come, those who come back, and lines are understood, whatever else stands in the object."""
        self.assertEqual(read('{"type": "join", "name": "Ann"}'), Join("Ann"))
        self.assertEqual(read('{"type": "join", "name": "Ann", "token": "x", "more": 1}'), Join("Ann", "x"))
        self.assertEqual(read('{"type": "say", "text": "Gr\\u00fc\\u00df dich"}'), Say("Grüß dich"))

    def test_bad_messages(self) -> None:
        """What is no JSON, no object, of an unknown type or of wrong types is a bad message."""
        for message in (
            "",
            "hello",
            "[]",
            '"join"',
            "1" * 9000,
            "[" * 9000,
            "\ufeff{}",
            "{}",
            '{"type": "dance"}',
            '{"type": ["say"], "text": "x"}',
            '{"type": "say"}',
            '{"type": "say", "text": 7}',
            '{"type": "join", "name": null}',
            '{"type": "join", "name": "Ann", "token": 7}',
            '{"type": "join", "name": "Ann", "token": null}',
        ):
            self.assertEqual(self.assertRaises(Refused, read, message).code, "bad-message", message[:40])

    def test_too_long(self) -> None:
        """A message longer than any line can be is not even parsed, and the longest line fits in any spelling."""
        self.assertEqual(self.assertRaises(Refused, read, " " * (LONGEST_MESSAGE + 1)).code, "too-long")
        longest = "\N{GRINNING FACE}" * 2000
        self.assertEqual(read(json.dumps({"type": "say", "text": longest})), Say(longest))

    def test_secret(self) -> None:
        """A token is not shown where a message is printed."""
        self.assertNotIn("hush", repr(Join("Ann", "hush")))

    @settings(deadline=None, database=None)
    @given(MESSAGES)
    def test_anything(self, message: str) -> None:
        """Any text is a message or refused."""
        try:
            self.assertIsInstance(read(message), (Join, Say))
        except Refused as refused:
            self.assertIn(refused.code, ("bad-message", "too-long"))


class RoomTests(SynchronousTestCase):
    """Who is here, what they said, and what is not done."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.room = Room(self.clock.seconds, tokens())

    def refused(self, code: str, call: Any, *args: Any) -> None:
        """Check that a call is refused with *code*."""
        self.assertEqual(self.assertRaises(Refused, call, *args).code, code, args)

    def test_names(self) -> None:
        """Spaces around a name are taken off; names are listed in the order of coming."""
        self.assertEqual(self.room.join("1", Join("  Zoë  ")).name, "Zoë")
        self.room.join("2", Join("李 \N{GRINNING FACE}"))
        self.assertEqual(self.room.people, ["Zoë", "李 \N{GRINNING FACE}"])

    def test_bad_names(self) -> None:
        """A name is neither empty nor longer than 32, and nothing in it is unseen or turns the text around it."""
        self.room.join("0", Join("x" * 32))
        for name in ("", "  ", "x" * 33, "a\nb", "a\0", "a\u202eb", "a\u200bb", "a\u2028b", "a\u00a0b", "\ud800"):
            self.refused("bad-name", self.room.join, "1", Join(name))

    def test_unseen_names(self) -> None:
        """Characters that leave no mark make no other name, and no name by themselves; where they serve, they stay."""
        self.room.join("1", Join("alice"))
        for unseen in UNSEEN:
            self.refused("name-taken", self.room.join, "2", Join(f"al{unseen}ice"))
            self.refused("bad-name", self.room.join, "2", Join(unseen * 3))
        heart = "\N{HEAVY BLACK HEART}\ufe0f"
        self.assertEqual(self.room.join("2", Join(heart)).name, heart)

    def test_unique(self) -> None:
        """A name that differs only in case, width or spaces is taken, with a wrong token too."""
        self.room.join("1", Join("Ann Straße"))
        for name in ("Ann Straße", "ANN STRASSE", "ann  strasse", "\uff21nn Straße"):
            self.refused("name-taken", self.room.join, "2", Join(name))
        for token in ("", "wrong", "tökén", "\ud800"):
            self.refused("name-taken", self.room.join, "2", Join("Ann Straße", token))

    def test_free_again(self) -> None:
        """The name of who has left is free for everybody, and a token of old opens nothing."""
        old = self.room.join("1", Join("Ann")).token
        self.assertEqual(self.room.leave("1"), "Ann")
        self.assertNotEqual(self.room.join("2", Join("Ann")).token, old)
        self.refused("name-taken", self.room.join, "3", Join("Ann", old))

    def test_take_over(self) -> None:
        """The token takes a name over as it is written; the old connection is out, and its end is nobody's leaving."""
        token = self.room.join("1", Join("Ann")).token
        welcome = self.room.join("2", Join("ANN", token))
        self.assertEqual((welcome.name, welcome.token, welcome.replaced), ("Ann", token, "1"))
        self.assertEqual((self.room.people, self.room.guids), (["Ann"], ["2"]))
        self.refused("not-joined", self.room.say, "1", "still here")
        self.assertIsNone(self.room.leave("1"))
        self.assertEqual(self.room.leave("2"), "Ann")

    def test_full(self) -> None:
        """A full room lets nobody else in, but those who come back; when somebody leaves, there is room again."""
        join = self.room.join
        tokens = [join(str(number), Join(f"Ann {number}"), f"192.0.2.{number}").token for number in range(MOST_PEOPLE)]
        self.refused("full", self.room.join, "new", Join("Bob"))
        self.assertEqual(self.room.join("again", Join("Ann 7", tokens[7])).replaced, "7")
        self.refused("full", self.room.join, "new", Join("Bob"))
        self.room.leave("8")
        self.room.join("new", Join("Bob"))
        self.assertEqual(len(self.room.people), MOST_PEOPLE)

    def test_twice(self) -> None:
        """One connection is one person, with its own token too."""
        token = self.room.join("1", Join("Ann")).token
        self.refused("bad-message", self.room.join, "1", Join("Bob"))
        self.refused("bad-message", self.room.join, "1", Join("Ann", token))
        self.assertEqual(self.room.people, ["Ann"])

    def test_lines(self) -> None:
        """A line is kept exactly as it was said, with its number, its writer and its time."""
        self.room.join("1", Join("Ann"))
        self.clock.advance(5.0)
        self.room.say("1", " first ")
        line = self.room.say("1", "x" * 2000)
        self.assertEqual((line.id, line.name, line.at), (2, "Ann", 5.0))
        self.assertEqual([line.text for line in self.room.lines], [" first ", "x" * 2000])

    def test_bad_lines(self) -> None:
        """A line is one line of text; who has not joined says nothing."""
        self.refused("not-joined", self.room.say, "1", "hello")
        self.room.join("1", Join("Ann"))
        self.refused("too-long", self.room.say, "1", "x" * 2001)
        for unseen in (" ".join(UNSEEN), "\u200b\ufeff"):
            self.refused("bad-message", self.room.say, "1", unseen)
        for text in ("", " \u3000", "a\nb", "a\rb", "a\u2028b", "a\u2029b", "a\x85b", "\x1b[2J", "a\ud83d"):
            self.refused("bad-message", self.room.say, "1", text)
        self.assertEqual(self.room.lines, [])

    def test_joined_emoji(self) -> None:
        """Characters that join others, as in an emoji of several, are part of a line."""
        self.room.join("1", Join("Ann"))
        astronaut = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET}"
        self.assertEqual(self.room.say("1", astronaut).text, astronaut)

    def test_history(self) -> None:
        """Only the last lines are kept; the numbers go on."""
        self.room.join("1", Join("Ann"))
        for _ in range(HISTORY + 7):
            self.clock.advance(PERIOD)
            self.room.say("1", "again")
        self.assertEqual([line.id for line in self.room.lines], list(range(8, HISTORY + 8)))

    def test_flood(self) -> None:
        """More lines than a person writes are refused until some time has passed; coming back does not help."""
        token = self.room.join("1", Join("Ann")).token
        for _ in range(BURST):
            self.room.say("1", "flood")
        self.refused("too-fast", self.room.say, "1", "flood")
        self.room.join("2", Join("Ann", token))
        self.refused("too-fast", self.room.say, "2", "flood")
        self.clock.advance(PERIOD)
        self.room.say("2", "calm")

    def test_flood_and_leave(self) -> None:
        """Who leaves and joins anew under the same name has still said as much."""
        self.room.join("1", Join("Ann"), "192.0.2.1")
        for _ in range(BURST):
            self.room.say("1", "flood")
        self.room.leave("1")
        self.room.join("2", Join("ANN"), "192.0.2.2")
        self.refused("too-fast", self.room.say, "2", "flood")

    def test_flood_of_an_address(self) -> None:
        """Many names behind one address have a limit together; those of other addresses go on."""
        for number in range(ADDRESS_BURST):
            self.room.join(str(number), Join(f"Ann {number}"), "2001:db8::1")
            self.room.say(str(number), "flood")
            self.room.leave(str(number))
        self.refused("too-fast", self.room.join, "more", Join("Ann"), "2001:db8::2")
        self.room.join("other", Join("Bob"), "2001:db8:0:1::1")
        self.room.say("other", "calm")
        self.clock.advance(PERIOD)
        self.room.join("more", Join("Ann"), "2001:db8::2")
        self.room.say("more", "calm")

    def test_lines_of_an_address(self) -> None:
        """Those who are here speak too fast together, too, and a refused line counts for nobody."""
        for number in range(ADDRESS_BURST // BURST + 1):
            self.room.join(str(number), Join(f"Ann {number}"), "192.0.2.1")
        for number in range(ADDRESS_BURST):
            self.room.say(str(number // BURST), "flood")
        for _ in range(BURST):
            self.refused("too-fast", self.room.say, str(ADDRESS_BURST // BURST), "one more")
        self.clock.advance(PERIOD)
        for _ in range(BURST):
            self.room.say(str(ADDRESS_BURST // BURST), "calm")

    def test_refused_joins(self) -> None:
        """A join that is refused is not counted: a name that is taken can be tried for as long as it takes."""
        self.room.join("1", Join("Ann"))
        for _ in range(2 * ADDRESS_BURST):
            self.refused("name-taken", self.room.join, "2", Join("Ann"))
        self.room.join("2", Join("Bob"))

    def test_forgotten(self) -> None:
        """What was counted is forgotten after the period, also after the clock was set back."""
        pace = Pace(self.clock.seconds, 1)
        for start in (0.0, 1000.0, 10.0):
            self.clock.rightNow = start
            for number in range(100):
                pace.count(f"{start} {number}")
            self.clock.advance(PERIOD)
            pace.count("Ann")
            self.assertEqual(len(pace), 1)
            self.assertEqual((pace.allows("Ann"), pace.allows("Bob")), (False, True))

    def test_forgotten_meanwhile(self) -> None:
        """Somebody who goes on and on does not keep the others from being forgotten."""
        pace = Pace(self.clock.seconds, 10)
        for who in ("Ann", "Bob", "Carl", "Ann", "Ann"):
            pace.count(who)
            self.clock.advance(PERIOD / 3)
        pace.count("Ann")
        self.assertEqual(len(pace), 1)

    def test_clock_set_back(self) -> None:
        """A clock that is set back silences nobody."""
        self.room.join("1", Join("Ann"))
        self.clock.advance(1000.0)
        for _ in range(BURST):
            self.room.say("1", "now")
        self.clock.rightNow = 0.0
        self.room.say("1", "an hour ago")

    @settings(deadline=None, database=None)
    @given(STEPS)
    def test_invariants(self, steps: list[tuple[Any, ...]]) -> None:
        """Whatever happens in whatever order: names are unique, numbers have no gap, nothing grows, nothing raises."""
        clock = Clock()
        room = Room(clock.seconds, tokens())
        for kind, *args in steps:
            self.step(clock, room, kind, *args)
            self.assertEqual(len({name.casefold() for name in room.people}), len(room.guids))
            numbers = [line.id for line in room.lines]
            self.assertEqual(numbers, list(range(1, len(numbers) + 1))[-HISTORY:])

    def step(self, clock: Clock, room: Room, kind: str, *args: Any) -> None:
        """Do one step; a refusal is an answer."""
        try:
            match kind, args:
                case "join", (guid, name, token):
                    room.join(str(guid), Join(name, token))
                case "say", (guid, text):
                    room.say(str(guid), text)
                case "leave", (guid,):
                    room.leave(str(guid))
                case "wait", (seconds,):
                    clock.rightNow += seconds
        except Refused as refused:
            self.assertTrue(refused.message)


class Member:
    """A WebSocket client in memory, connected to the factory of a listener."""

    def __init__(self, factory: Any, path: str = "/chat") -> None:
        self.transport = StringTransport()
        server = factory.buildProtocol(IPv4Address("TCP", "192.0.2.1", 50000))
        self.transport.protocol = server  # type: ignore[attr-defined]
        server.makeConnection(self.transport)
        self.client = ClientProtocol(parse_uri(f"ws://localhost{path}"), max_size=None)
        self.client.send_request(self.client.connect())
        self.exchange()

    def exchange(self) -> None:
        """Carry bytes to the server and back."""
        for data in self.client.data_to_send():
            if data:
                self.transport.protocol.dataReceived(data)  # type: ignore[attr-defined]
        self.client.receive_data(self.transport.value())
        self.transport.clear()

    def heard(self) -> list[Any]:
        """Return what came since the last time: objects for text, bytes for binary; close frames as they are."""
        self.exchange()
        frames = [event for event in self.client.events_received() if isinstance(event, Frame)]
        return [json.loads(bytes(one.data)) if one.opcode is Opcode.TEXT else bytes(one.data) for one in frames]

    def send(self, message: str) -> list[Any]:
        """Send a text message and return the answers."""
        self.client.send_text(message.encode())
        return self.heard()

    def ask(self, kind: str, **values: Any) -> list[Any]:
        """Send a message of the chat and return the answers."""
        return self.send(json.dumps({"type": kind, **values}))

    def hang_up(self) -> None:
        """Be gone."""
        self.transport.protocol.connectionLost()  # type: ignore[attr-defined]


class ChatTests(SynchronousTestCase):
    """The whole server in memory: what each client hears."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.server = chat_server(self.reactor)
        self.failures: list[Any] = []
        self.server.on_exception(lambda connection, failure: self.failures.append(failure))
        self.reactor.run()
        self.successResultOf(self.server.start())
        self.factory = self.reactor.tcpServers[0][1]

    def member(self, name: str = "", **values: Any) -> Member:
        """Return somebody who is connected, and who has joined if there is a name."""
        member = Member(self.factory)
        self.assertEqual(member.heard(), [])
        if name:
            self.assertEqual(member.ask("join", name=name, **values)[0]["type"], "welcome")
        return member

    def test_welcome(self) -> None:
        """Who joins is told the name, a token, the run, who is here, and the lines."""
        ann = self.member("Ann")
        ann.ask("say", text="Grüß dich")
        (welcome,) = self.member().ask("join", name=" Bob ")
        line = {"id": 1, "name": "Ann", "text": "Grüß dich", "at": 0.0}
        self.assertEqual((welcome["name"], welcome["people"], welcome["lines"]), ("Bob", ["Ann", "Bob"], [line]))
        self.assertGreaterEqual(len(welcome["token"]), 32)
        self.assertNotEqual(welcome["token"], welcome["run"])
        self.assertEqual(welcome.keys(), {"type", "name", "token", "run", "people", "lines"})

    def test_conversation(self) -> None:
        """Everybody who has joined hears of lines, comings and goings; the writer hears the line too."""
        ann, bob = self.member("Ann"), self.member("Bob")
        self.assertEqual(ann.heard(), [{"type": "joined", "name": "Bob"}])
        line = {"type": "line", "id": 1, "name": "Bob", "text": "hi", "at": 0.0}
        self.assertEqual(bob.ask("say", text="hi"), [line])
        self.assertEqual(ann.heard(), [line])
        bob.hang_up()
        self.assertEqual(ann.heard(), [{"type": "left", "name": "Bob"}])

    def test_strangers(self) -> None:
        """Who has not joined hears nothing, and whose going is nobody's business."""
        stranger, ann = self.member(), self.member("Ann")
        ann.ask("say", text="secret")
        self.assertEqual(stranger.heard(), [])
        self.assertEqual(stranger.ask("say", text="hello")[0]["code"], "not-joined")
        stranger.hang_up()
        self.assertEqual(ann.heard(), [])

    def test_take_over(self) -> None:
        """A ghost is closed with 4000; the others notice nothing."""
        ghost, bob = self.member(), self.member("Bob")
        token = ghost.ask("join", name="Ann")[0]["token"]
        bob.heard()
        ann = self.member("Ann", token=token)
        late = Frame(Opcode.TEXT, b'{"type": "join", "name": "Ghost"}').serialize(mask=True)
        ghost.transport.protocol.dataReceived(late)  # type: ignore[attr-defined]
        ghost.heard()
        self.assertEqual(ghost.client.close_rcvd, Close(4000, "replaced"))
        ghost.hang_up()
        self.assertEqual(bob.heard(), [])
        ann.ask("say", text="back")
        self.assertEqual([message["text"] for message in bob.heard()], ["back"])

    def test_stop(self) -> None:
        """A server that stops tells nobody that everybody leaves."""
        ann, bob = self.member("Ann"), self.member("Bob")
        ann.heard()
        self.server.stop()
        bob.heard()
        bob.heard()
        bob.hang_up()
        self.assertEqual([each for each in ann.heard() if isinstance(each, dict)], [])
        assert ann.client.close_rcvd is not None
        self.assertEqual(ann.client.close_rcvd.code, 1001)

    def test_refused(self) -> None:
        """A refusal says its code and why, repeats nothing, and the connection stays."""
        ann = self.member("Ann")
        for answers, code in (
            (ann.send("hush"), "bad-message"),
            (ann.send(" " * (LONGEST_MESSAGE + 1)), "too-long"),
            (ann.ask("say", text="hush\n"), "bad-message"),
            (self.member().ask("join", name="\x1bhush"), "bad-name"),
            (self.member().ask("join", name="ann"), "name-taken"),
        ):
            (error,) = answers
            self.assertEqual((error["type"], error["code"]), ("error", code))
            self.assertNotIn("hush", error["message"])
        self.assertEqual(ann.ask("say", text="still here")[0]["type"], "line")

    def test_full(self) -> None:
        """Who finds the room full is told so, is not cut off, and gets in later; the others hear nothing of it."""
        self.patch(chat, "MOST_PEOPLE", 1)
        ann, bob = self.member("Ann"), self.member()
        self.assertEqual(bob.ask("join", name="Bob")[0]["code"], "full")
        self.assertEqual(ann.heard(), [])
        ann.hang_up()
        self.assertEqual(bob.ask("join", name="Bob")[0]["people"], ["Bob"])

    def test_binary(self) -> None:
        """Bytes are no message of the chat."""
        ann = self.member("Ann")
        ann.client.send_binary(b"\xff\x00")
        self.assertEqual(ann.heard()[0]["code"], "bad-message")

    def test_echo(self) -> None:
        """Every other path sends back text and bytes as they are, and is no part of the chat."""
        for path in ("/echo", "/", "/chat/", "/CHAT"):
            member = Member(self.factory, path)
            message = {"type": "join", "name": "Ann"}
            self.assertEqual(member.send(json.dumps(message)), [message])
            member.client.send_binary(b"\xff\x00")
            self.assertEqual(member.heard(), [b"\xff\x00"])
        self.assertEqual(self.member().ask("join", name="Ann")[0]["people"], ["Ann"])

    def test_two_servers(self) -> None:
        """Two servers share nothing."""
        self.member("Ann")
        other = chat_server(self.reactor)
        other.start()
        (welcome,) = Member(self.reactor.tcpServers[-1][1]).ask("join", name="Ann")
        self.assertEqual(welcome["people"], ["Ann"])

    @settings(deadline=None, database=None)
    @given(st.lists(MESSAGES, max_size=10))
    def test_anything(self, messages: list[str]) -> None:
        """Whatever text comes, each message gets one answer that is JSON; nothing raises, nobody is cut off."""
        member = Member(self.factory)
        for message in messages:
            (answer,) = member.send(message.encode("utf-8", "replace").decode())
            self.assertIn(answer["type"], ("welcome", "line", "error"))
        member.hang_up()
        self.assertEqual(self.failures, [])
