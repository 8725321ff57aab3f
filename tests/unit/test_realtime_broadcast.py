"""Promises of `sgcws.realtime.broadcast`: the same message to everybody who passes the filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.realtime.broadcast import broadcast, broadcast_to_groups, ping_all
from sgcws.rules.payload import LONGEST_PING
from tests.members import Crowd, FakeMember
from tests.support import World

CHANNELS = {"ann": ("news",), "bob": ("news", "sport"), "cid": ("sport",), "dan": (), "eve": ("chess", "news")}
PROTOCOLS = {"ann": "chat", "bob": None, "cid": "chat", "dan": "chat", "eve": "mqtt"}

some_guids = st.lists(st.sampled_from([*CHANNELS, "nobody"]), max_size=6)
some_channels = st.lists(st.sampled_from(["news", "sport", "chess", "nothing"]), max_size=4)


def everybody() -> tuple[Crowd, list[FakeMember]]:
    """Let all of them come, and subscribe."""
    crowd = Crowd()
    members: list[FakeMember] = []
    for guid, channels in CHANNELS.items():
        members += crowd.come(guid, protocol=PROTOCOLS[guid])
        for name in channels:
            crowd.registry.channels.join(name, guid)
            crowd.registry.groups.join(name, guid)
    return crowd, members


class BroadcastTestCase(SynchronousTestCase):
    """Five members, in channels and in groups of the same names."""

    def setUp(self) -> None:
        """Let them come."""
        self.crowd, self.members = everybody()
        self.ann, self.bob, self.cid, self.dan, self.eve = self.members
        self.registry = self.crowd.registry

    def reached(self, send: Callable[[], int]) -> str:
        """Return the initials of those who took it, as many as the call says."""
        count = send()
        took = [member.guid[0] for member in self.members if member.sent]
        self.assertEqual(sum(len(member.sent) for member in self.members), count)
        for member in self.members:
            member.sent.clear()
        return "".join(took)


class BroadcastTests(BroadcastTestCase):
    """A message goes to those it is for."""

    def send(self, data: Any = "x", **filters: Any) -> str:
        """Broadcast."""
        return self.reached(lambda: broadcast(self.registry, data, **filters))

    def test_everybody(self) -> None:
        """Without a filter all that can take messages get it."""
        self.assertEqual(self.send(), "abcde")

    def test_one_message(self) -> None:
        """All get the same object, encoded once, with room for how it looks on the wire."""
        broadcast(self.registry, "é", key="k", fragment_size=5)
        broadcast(self.registry, bytearray(b"\xff"))
        ((text, binary),) = {tuple(member.sent) for member in self.members}
        self.assertEqual((text.payload, text.text, text.key, text.fragment_size), ("é".encode(), True, "k", 5))
        self.assertEqual((binary.payload, binary.text, binary.key, binary.fragment_size), (b"\xff", False, None, None))
        self.assertEqual((text.forms, binary.forms), ({}, {}))
        self.assertIsNot(text.forms, binary.forms)

    def test_filters(self) -> None:
        """All filters count; exclusion wins, and an empty one is nobody."""
        for given_, reached in (
            ({"protocol": "chat"}, "acd"),
            ({"protocol": "other"}, ""),
            ({"protocol": ""}, ""),
            ({"include": ["ann", "bob"]}, "ab"),
            ({"include": "ann, bob;nobody"}, "ab"),
            ({"include": ()}, ""),
            ({"include": ""}, ""),
            ({"include": iter(["ann", "ann"])}, "a"),
            ({"exclude": ["bob"]}, "acde"),
            ({"exclude": "bob;cid"}, "ade"),
            ({"include": ["ann", "bob"], "exclude": "bob"}, "a"),
            ({"include": ["ann", "bob"], "protocol": "chat"}, "a"),
            ({"channel": "news"}, "abe"),
            ({"channel": "nothing"}, ""),
            ({"channel": ["news", "sport"]}, "abce"),
            ({"channel": ("news",)}, "abe"),
            ({"channel": iter(["sport", "sport", "nothing"])}, "bc"),
            ({"channel": ()}, ""),
            ({"channel": "news", "protocol": "chat"}, "a"),
            ({"channel": ["sport", "chess"], "exclude": "eve"}, "bc"),
            ({"channel": "news", "include": "bob, cid, eve", "protocol": "mqtt"}, "e"),
            ({"channel": "news", "include": "eve", "exclude": "eve"}, ""),
        ):
            with self.subTest(given=given_):
                self.assertEqual(self.send(**given_), reached)

    @given(
        st.none() | some_channels | st.sampled_from(["news", "nothing"]),
        st.sampled_from([None, "chat", "mqtt", "other"]),
        st.none() | some_guids,
        some_guids,
    )
    def test_any_filters(self, channel: Any, protocol: str | None, include: Any, exclude: list[str]) -> None:
        """Whatever is given together, those get it, once, who pass each filter by itself."""
        crowd, members = everybody()
        wanted = {channel} if isinstance(channel, str) else channel
        passing = [
            member
            for member in members
            if (wanted is None or set(wanted) & set(CHANNELS[member.guid]))
            and protocol in (None, member.protocol)
            and (include is None or member.guid in include)
            and member.guid not in exclude
        ]
        given_ = {"channel": channel, "protocol": protocol, "include": include, "exclude": exclude}
        self.assertEqual(broadcast(crowd.registry, "x", **given_), len(passing))
        self.assertEqual([member for member in members for _ in member.sent], passing)

    def test_order(self) -> None:
        """Peers are sent to in the order of joining, or in that of the guids given."""
        order: list[str] = []
        for member in self.members:
            member.on_send = lambda message, member=member: order.append(member.guid[0]) or True
        for filters, expected in (
            ({}, "abcde"),
            ({"channel": "news"}, "abe"),
            ({"channel": ["sport", "news"]}, "bcae"),
            ({"include": "eve;ann;bob"}, "eab"),
        ):
            self.send(**filters)
            self.assertEqual("".join(order), expected)
            order.clear()

    def test_those_that_fail(self) -> None:
        """Those that do not take it stop nobody, and do not count."""
        self.bob.on_send = self.dan.on_send = lambda message: False
        self.assertEqual(self.send(), "ace")

    def test_real_peers(self) -> None:
        """A broken peer is told to ``on_exception``; one that is closing gets nothing."""
        world = World()
        world.listen("on_exception")
        framings = [world.open_peer()[1] for _ in range(4)]
        framings[1].failing = True
        closing = framings[2].peer
        assert closing is not None
        closing.close()
        self.assertEqual(broadcast(world.shared.registry, "x"), 2)
        ((name, failure),) = world.told
        self.assertEqual((name, failure.type), ("exception", OSError))

    def test_bad_input(self) -> None:
        """What is no message, no guid or no channel is refused, and nobody gets anything."""
        for data, filters, error in (
            (5, {}, TypeError),
            (None, {}, TypeError),
            ("\ud800", {}, UnicodeEncodeError),
            ("x", {"channel": ""}, ValueError),
            ("x", {"channel": ["news", ""]}, ValueError),
            ("x", {"channel": [None]}, TypeError),
            ("x", {"channel": 5}, TypeError),
            ("x", {"key": 5}, TypeError),
            ("x", {"fragment_size": "5"}, TypeError),
            ("x", {"fragment_size": 0}, ValueError),
            ("x", {"include": [self.ann]}, TypeError),
            ("x", {"exclude": [self.ann]}, TypeError),
        ):
            with self.subTest(data=data, filters=filters):
                self.assertRaises(error, broadcast, self.registry, data, **filters)
        self.assertEqual([member.sent for member in self.members], [[]] * 5)


class MeanwhileTests(BroadcastTestCase):
    """People come and go while a message is on its way to them."""

    def when_first(self, happen: Callable[[], Any]) -> None:
        """Let something happen once, while the first member is sent a message."""

        def on_send(message: Any) -> bool:
            self.ann.on_send = lambda message: True
            happen()
            return True

        self.ann.on_send = on_send

    def subscribe(self, name: str, *guids: str) -> None:
        """Let some join."""
        for guid in guids:
            self.registry.channels.join(name, guid)

    def test_gone(self) -> None:
        """Who is gone meanwhile gets nothing, whatever the filter."""
        for gone, filters, reached in (
            (self.bob, {}, "acde"),
            (self.cid, {"protocol": "chat"}, "ad"),
            (self.dan, {"include": "ann, dan, eve"}, "ae"),
            (self.eve, {"channel": "news"}, "a"),
        ):
            self.when_first(gone.go)
            self.assertEqual(self.reached(lambda filters=filters: broadcast(self.registry, "x", **filters)), reached)

    def test_unsubscribed(self) -> None:
        """Who leaves the channel meanwhile gets nothing, whichever filter was the smallest."""
        for filters in ({}, {"include": "ann, bob"}, {"channel": ["news", "chess"]}):
            self.subscribe("news", "bob")
            self.when_first(lambda: self.registry.channels.leave("news", "bob"))
            given_ = {"channel": "news", **filters}
            self.assertNotIn("b", self.reached(lambda given_=given_: broadcast(self.registry, "x", **given_)))

    def test_still_in_one(self) -> None:
        """Who leaves one of several channels, and is in another, gets it."""
        self.when_first(lambda: self.registry.channels.leave("news", "bob"))
        self.assertEqual(self.reached(lambda: broadcast(self.registry, "x", channel=["news", "sport"])), "abce")

    def test_joined(self) -> None:
        """Who comes or joins meanwhile gets nothing of this one, whichever filter was the smallest."""
        for filters in ({}, {"protocol": "chat"}, {"include": "ann, dan"}, {"channel": ["news", "chess"]}):
            self.when_first(lambda: self.subscribe("news", "dan"))
            given_ = {"channel": "news", **filters}
            self.assertNotIn("d", self.reached(lambda given_=given_: broadcast(self.registry, "x", **given_)))
            self.registry.channels.leave("news", "dan")
        self.when_first(lambda: self.members.extend(self.crowd.come("fay")))
        self.assertEqual(self.reached(lambda: broadcast(self.registry, "x")), "abcde")
        self.assertEqual(self.reached(lambda: broadcast(self.registry, "x")), "abcdef")

    def test_everybody_leaves(self) -> None:
        """The last may leave while the first is served, and somebody may open the channel anew."""

        def anew() -> None:
            for guid in CHANNELS:
                self.registry.channels.leave("news", guid)
            self.subscribe("news", "dan")

        self.when_first(anew)
        self.assertEqual(self.reached(lambda: broadcast(self.registry, "x", channel="news")), "a")
        self.assertEqual(self.reached(lambda: broadcast(self.registry, "x", channel="news")), "d")

    def test_broadcast_within(self) -> None:
        """A broadcast within a broadcast reaches everybody, and so does the outer one."""
        self.when_first(lambda: broadcast(self.registry, "inner", channel="sport"))
        self.assertEqual(broadcast(self.registry, "outer"), 5)
        self.assertEqual([message.payload for message in self.bob.sent], [b"inner", b"outer"])

    def test_groups(self) -> None:
        """It is the same with groups."""

        def change() -> None:
            self.registry.groups.leave("news", "bob")
            self.registry.groups.join("news", "dan")
            self.eve.go()

        self.when_first(change)
        self.assertEqual(self.reached(lambda: broadcast_to_groups(self.registry, "news", "x")), "a")


class GroupTests(BroadcastTestCase):
    """A message for groups goes to all whose names match."""

    def send(self, mask: str, exclude: Any) -> str:
        """Broadcast."""
        return self.reached(lambda: broadcast_to_groups(self.registry, mask, "x", exclude=exclude))

    def test_masks(self) -> None:
        """A name is one group, a mask may be many; who is in several gets it once."""
        for mask, exclude, reached in (
            ("news", (), "abe"),
            ("s*", (), "bc"),
            ("*s*", (), "abce"),
            ("????", (), "abe"),
            ("*", "ann, eve", "bc"),
            ("N*", (), ""),
            ("nothing", (), ""),
        ):
            with self.subTest(mask=mask):
                self.assertEqual(self.send(mask, exclude), reached)

    def test_one_message(self) -> None:
        """All get the same object, with room for how it looks on the wire."""
        broadcast_to_groups(self.registry, "*s", b"x", key="k")
        (message,) = {message for member in self.members for message in member.sent}
        self.assertEqual((message.payload, message.text, message.key, message.forms), (b"x", False, "k", {}))

    def test_bad_input(self) -> None:
        """What is no message, no guid or no mask is refused."""
        for mask, data, error in (("", "x", ValueError), (None, "x", TypeError), ("*", 5, TypeError)):
            self.assertRaises(error, broadcast_to_groups, self.registry, mask, data)
        self.assertRaises(TypeError, broadcast_to_groups, self.registry, "*", "x", exclude=[self.ann])
        self.assertRaises(TypeError, broadcast_to_groups, self.registry, "*", "x", key=5)


class TouchTests(SynchronousTestCase):
    """Among ten thousand, only those are looked at that it may be for."""

    def setUp(self) -> None:
        """Let them come: ten in a channel, a group and a sub-protocol; all in others."""
        self.crowd = Crowd()
        self.registry = self.crowd.registry
        self.ten = [f"few-{number}" for number in range(10)]
        few = self.crowd.come(*self.ten, protocol="rare")
        rest = self.crowd.come(*map(str, range(9_990)), protocol="common")
        for member in few + rest:
            self.registry.channels.join("all", member.guid)
            self.registry.groups.join(f"room {len(self.crowd.looks) % 50}", member.guid)
        for member in few:
            self.registry.channels.join("few", member.guid)
            self.registry.groups.join("few", member.guid)
        self.crowd.looks.clear()

    def looked_at(self, send: Callable[..., int], *args: Any, **filters: Any) -> int:
        """Broadcast to the ten, and return how many members were looked at."""
        self.assertEqual(send(self.registry, *args, **filters), 10)
        looks = set(self.crowd.looks)
        self.crowd.looks.clear()
        self.assertLessEqual(set(self.ten), looks)
        return len(looks)

    def test_ten_of_ten_thousand(self) -> None:
        """The smallest of what is given is gone through, and nobody else is looked at."""
        for filters in (
            {"channel": "few"},
            {"channel": ["few", "nothing"]},
            {"protocol": "rare"},
            {"include": self.ten},
            {"channel": "few", "protocol": "rare", "include": self.ten},
            {"channel": "all", "protocol": "rare"},
            {"channel": ["all", "few"], "protocol": "rare"},
            {"channel": "all", "include": ",".join(self.ten)},
            {"channel": "few", "exclude": map(str, range(10))},
        ):
            with self.subTest(filters=filters):
                self.assertEqual(self.looked_at(broadcast, "x", **filters), 10)

    def test_groups(self) -> None:
        """It is the same with groups."""
        for mask in ("few", "f*"):
            self.assertEqual(self.looked_at(broadcast_to_groups, mask, "x"), 10)

    def test_a_look_would_be_seen(self) -> None:
        """Whoever goes through all is seen to do so."""
        sum(guid in self.registry.guids() for guid in tuple(self.registry.guids()))
        self.assertEqual(len(set(self.crowd.looks)), 10_000)
        self.crowd.looks.clear()
        self.assertEqual(sum(member.protocol == "rare" for member in self.registry.messaging()), 10)
        self.assertEqual(len(set(self.crowd.looks)), 10_000)


class PingTests(SynchronousTestCase):
    """A ping goes to all whose protocol has pings."""

    def setUp(self) -> None:
        """Let three come."""
        self.world = World()
        self.framings = [self.world.open_peer()[1] for _ in range(3)]

    def test_everybody(self) -> None:
        """Those that were pinged are counted."""
        leaving = self.framings[0].peer
        assert leaving is not None
        leaving.close()
        self.assertEqual(ping_all(self.world.shared.registry, bytes(LONGEST_PING)), 2)

    def test_one_that_fails(self) -> None:
        """One broken peer stops nobody."""
        self.world.listen("on_exception")
        self.framings[1].failing = True
        self.assertEqual(ping_all(self.world.shared.registry, b""), 2)
        self.assertEqual([name for name, _ in self.world.told], ["exception"])

    def test_no_ping(self) -> None:
        """A payload that fits no control frame, or is no bytes, is refused."""
        self.assertRaises(ValueError, ping_all, self.world.shared.registry, bytes(LONGEST_PING + 1))
        self.assertRaises(TypeError, ping_all, self.world.shared.registry, "text")
