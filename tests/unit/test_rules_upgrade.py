"""Promises of `sgcws.rules.upgrade`: which requests may become a WebSocket (RFC 6455 section 4.2.1)."""

from __future__ import annotations

import base64

from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.upgrade import Refusal, asks_for_websocket, choose_subprotocol, judge_upgrade

unhurried = settings(deadline=None, database=None)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="

VALID = (
    ("Host", "example.com:8080"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", KEY),
)


def judge(
    *more: tuple[str, str], without: str = "", method: str = "GET", version: str = "1.1", **rules: bool
) -> Refusal | None:
    """Judge a valid request without some header, and with others."""
    headers = CIMultiDict([(name, value) for name, value in VALID if name != without])
    headers.extend(more)
    given = {"enforce_version": True, "validate_key": True, **rules}
    return judge_upgrade(method, version, CIMultiDictProxy(headers), **given)


class UpgradeTests(SynchronousTestCase):
    """Judging requests."""

    def assert_refused(self, status: int, refusal: Refusal | None, hint: object = None) -> Refusal:
        assert refusal is not None, hint
        self.assertEqual(refusal.status, status, hint)
        return refusal

    def assert_replaced(self, status: int, name: str, *values: str) -> None:
        """Fail unless a request is refused for each of these values in place of the valid one."""
        self.assert_refused(status, judge(without=name), f"no {name}")
        for value in values:
            self.assert_refused(status, judge((name, value), without=name), value)

    def test_valid(self) -> None:
        """The request of the RFC may upgrade."""
        self.assertIsNone(judge())

    def test_spellings(self) -> None:
        """Case does not matter, nor what else is in the lists."""
        for name, value in (
            ("Upgrade", "WebSocket"),
            ("Upgrade", "h2c, websocket"),
            ("Connection", "keep-alive, UPGRADE"),
            ("Host", "[::1]:80"),
            ("Host", "my_service"),
        ):
            self.assertIsNone(judge((name, value), without=name), value)

    def test_method(self) -> None:
        """Any method but GET is refused with 405, and is told so."""
        for method in ("POST", "HEAD", "OPTIONS", "get", "CONNECT"):
            self.assertEqual(self.assert_refused(405, judge(method=method)).headers, {"Allow": "GET"})

    def test_no_upgrade(self) -> None:
        """A request that asks for no WebSocket is told how to ask."""
        told = {"Upgrade": "websocket", "Connection": "Upgrade, close", "Sec-WebSocket-Version": "13"}
        for refusal in (judge(without="Upgrade"), judge(("Upgrade", "h2c"), without="Upgrade")):
            self.assertEqual(self.assert_refused(426, refusal).headers, told)

    def test_http_version(self) -> None:
        """Only HTTP/1.1 has an upgrade; in any other version the header means nothing."""
        for version in ("1.0", "2", "0.9", ""):
            self.assert_refused(426, judge(version=version), version)

    def test_connection(self) -> None:
        """The Connection header must name Upgrade."""
        self.assert_replaced(400, "Connection", "keep-alive", "upgraded", "")

    def test_websocket_version(self) -> None:
        """A version other than 13 gets 426 with the one that is spoken, unless the versions do not matter."""
        for value in ("8", "12", "13, 8", "013", "x", ""):
            refusal = self.assert_refused(426, judge(("Sec-WebSocket-Version", value), without="Sec-WebSocket-Version"))
            self.assertEqual(refusal.headers["Sec-WebSocket-Version"], "13")
        self.assert_refused(426, judge(("Sec-WebSocket-Version", "13")))
        self.assertIsNone(
            judge(("Sec-WebSocket-Version", "8"), without="Sec-WebSocket-Version", enforce_version=False)
        )
        self.assertIsNone(judge(without="Sec-WebSocket-Version", enforce_version=False))

    def test_key(self) -> None:
        """The key is 16 bytes in base64."""
        self.assert_replaced(
            400,
            "Sec-WebSocket-Key",
            "",
            "x",
            base64.b64encode(bytes(15)).decode(),
            base64.b64encode(bytes(17)).decode(),
            KEY[:-1],
            KEY + "=",
            "dGhlIHNhbXBsZSBub25jZ===",
            "dGhlIHNhbXBsZSBub25jZ-==",
            "dGhlIHNhbXBsZSBub25j\nQ==",
            "ÄGhlIHNhbXBsZSBub25jZQ==",
        )

    def test_key_not_validated(self) -> None:
        """Any one key will do where keys do not matter; none and two never do."""
        self.assertIsNone(judge(("Sec-WebSocket-Key", "x"), without="Sec-WebSocket-Key", validate_key=False))
        self.assert_refused(400, judge(without="Sec-WebSocket-Key", validate_key=False))
        self.assert_refused(400, judge(("Sec-WebSocket-Key", "x"), validate_key=False))

    def test_host(self) -> None:
        """There is one Host, and it is one."""
        self.assert_replaced(400, "Host", "", "a b", "a/b", "user@host", "host:99999", "http://host")
        self.assert_refused(400, judge(("Host", "example.com:8080")))

    def test_origins(self) -> None:
        """More than one Origin is refused: nobody could tell which one counts."""
        self.assertIsNone(judge(("Origin", "http://a.example")))
        self.assert_refused(400, judge(("Origin", "http://a.example"), ("Origin", "http://a.example")))

    def test_subprotocols(self) -> None:
        """Sub-protocols are tokens."""
        self.assertIsNone(judge(("Sec-WebSocket-Protocol", "chat, superchat")))
        for value in ("a b", "a;b", "a=b", "grüße"):
            self.assert_refused(400, judge(("Sec-WebSocket-Protocol", value)), value)

    def test_extensions(self) -> None:
        """Extensions that nobody knows are no error; what cannot be read is one."""
        self.assertIsNone(judge(("Sec-WebSocket-Extensions", 'foo; a="b", bar')))
        self.assert_refused(400, judge(("Sec-WebSocket-Extensions", "foo; ;")))

    @unhurried
    @given(st.lists(st.tuples(st.sampled_from([name for name, _ in VALID] + ["Origin", "x"]), st.text()), max_size=8))
    def test_any_headers(self, headers: list[tuple[str, str]]) -> None:
        """Any headers give an answer with a client's error, or none."""
        refusal = judge_upgrade(
            "GET", "1.1", CIMultiDictProxy(CIMultiDict(headers)), enforce_version=True, validate_key=True
        )
        self.assertTrue(refusal is None or 400 <= refusal.status < 500)


class AskTests(SynchronousTestCase):
    """Whether a WebSocket is asked for."""

    def test_asked(self) -> None:
        """It is where HTTP/1.1 names it in one of the Upgrade headers."""
        self.assertTrue(asks_for_websocket("1.1", ["h2c", "foo, WebSocket"]))
        self.assertFalse(asks_for_websocket("1.1", ["websockets", ""]))
        self.assertFalse(asks_for_websocket("1.1", []))
        self.assertFalse(asks_for_websocket("1.0", ["websocket"]))


class SubprotocolTests(SynchronousTestCase):
    """Choosing a sub-protocol."""

    def test_choice(self) -> None:
        """The first that the client offers and the server speaks; none if there is none. Case matters."""
        self.assertEqual(choose_subprotocol(["c", "b", "a"], ["a", "b"]), "b")
        self.assertIsNone(choose_subprotocol(["A"], ["a"]))
        self.assertIsNone(choose_subprotocol([], ["a"]))
        self.assertIsNone(choose_subprotocol(["a"], []))
