"""Promises of `sgcws.values`: what questions answer is checked when it is made."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError
from sgcws.values import Binding, RawTCP, Reject, Scan, TransportKind


class RejectTests(SynchronousTestCase):
    """A refusal is an HTTP status with a phrase."""

    def test_allowed(self) -> None:
        """It is 403 unless it says otherwise."""
        self.assertEqual((Reject().status, Reject().reason), (403, ""))
        for status in (400, 401, 418, 503, 599):
            self.assertEqual(Reject(status, "go away!").status, status)

    def test_refused(self) -> None:
        """No other status, and no phrase that could break the answer's first line, is a refusal."""
        for status in (399, 600, 200, True, 403.0, "403", None):
            error = self.assertRaises(OptionError, Reject, status)
            self.assertEqual((error.field, error.value), ("Reject.status", status))
        for reason in ("a\r\nX: y", "é", "\0", b"x", None):
            error = self.assertRaises(OptionError, Reject, 403, reason)
            self.assertEqual((error.field, error.value), ("Reject.reason", reason))

    @given(st.text())
    def test_any_reason(self, reason: str) -> None:
        """Any phrase is one line of printable ASCII, or is refused."""
        try:
            kept = Reject(403, reason).reason
        except OptionError:
            return
        self.assertTrue(all(" " <= character <= "~" for character in kept))


class RawTCPTests(SynchronousTestCase):
    """Raw TCP is kept with a word on where messages end."""

    def test_allowed(self) -> None:
        """Every packet is a message unless it says otherwise; the end of a line is there for those who ask to look."""
        self.assertEqual((RawTCP().end_of_frame, RawTCP().scan), (b"\r\n", Scan.NONE))
        for scan in Scan:
            self.assertEqual(RawTCP(b"\0", scan).scan, scan)

    def test_refused(self) -> None:
        """A terminator is one byte or more, as bytes, and a place to look is one of three."""
        for end in (b"", "\r\n", bytearray(b"\n"), None, Scan.ALL):
            error = self.assertRaises(OptionError, RawTCP, end)
            self.assertEqual((error.field, error.value), ("RawTCP.end_of_frame", end))
        for scan in ("all", True, None):
            error = self.assertRaises(OptionError, RawTCP, b"\n", scan)
            self.assertEqual((error.field, error.value), ("RawTCP.scan", scan))


class BindingTests(SynchronousTestCase):
    """A binding is a port, or the description of an endpoint."""

    def test_allowed(self) -> None:
        """It is shown as a person would write it."""
        for binding, shown in (
            (Binding(port=8080), "*:8080"),
            (Binding("127.0.0.1", 0), "127.0.0.1:0"),
            (Binding("::1", 65535), "[::1]:65535"),
            (Binding(host="localhost", port=80), "localhost:80"),
            (Binding(endpoint="unix:/run/chat.sock"), "unix:/run/chat.sock"),
        ):
            self.assertEqual(str(binding), shown)

    def test_refused(self) -> None:
        """Both ways, none, a port out of range and what has the wrong type are refused by the field's name."""
        refused: tuple[tuple[dict[str, Any], str], ...] = (
            ({}, "Binding"),
            ({"host": "localhost"}, "Binding"),
            ({"port": 80, "endpoint": "tcp:80"}, "Binding"),
            ({"host": "localhost", "endpoint": "tcp:80"}, "Binding"),
            ({"port": -1}, "Binding.port"),
            ({"port": 65536}, "Binding.port"),
            ({"port": "80"}, "Binding.port"),
            ({"port": True}, "Binding.port"),
            ({"port": 80.0}, "Binding.port"),
            ({"host": None, "port": 80}, "Binding.host"),
            ({"host": b"localhost", "port": 80}, "Binding.host"),
            ({"endpoint": 80}, "Binding.endpoint"),
        )
        for given_, field in refused:
            error = self.assertRaises(OptionError, lambda given_=given_: Binding(**given_))
            self.assertEqual(error.field, field, given_)
        self.assertRaises(TypeError, Binding, "", 80, "tcp:80")

    def test_description_as_host(self) -> None:
        """A description, or a host without a port, is shown back with the way to give it."""
        error = self.assertRaises(OptionError, Binding, "tcp:8090")
        self.assertEqual(error.value, "tcp:8090")
        self.assertIn("Binding(endpoint='tcp:8090')", error.allowed)
        error = self.assertRaises(OptionError, Binding, "localhost:80")
        self.assertEqual(error.value, "localhost:80")
        self.assertIn("Binding(endpoint='tcp:8080')", error.allowed)


class TLSBindingTests(SynchronousTestCase):
    """A binding can say whether TLS is spoken there."""

    def test_words(self) -> None:
        """It says yes, no, or nothing, beside a port as well as a description."""
        self.assertIsNone(Binding(port=1).tls)
        for tls in (True, False):
            self.assertEqual(Binding("localhost", 1, tls=tls).tls, tls)
            self.assertEqual(Binding(endpoint="systemd:domain=INET:index=0", tls=tls).tls, tls)
        self.assertEqual(str(Binding("localhost", 1, tls=True)), "localhost:1")

    def test_no_word(self) -> None:
        """Everything else is refused by its field."""
        for wrong in (1, 0, "yes", "auto", ()):
            error = self.assertRaises(OptionError, Binding, port=1, tls=wrong)
            self.assertEqual((error.field, error.value), ("Binding.tls", wrong))

    def test_twice(self) -> None:
        """A description that is TLS by itself is not put into TLS once more."""
        for description in ("ssl:8443:privateKey=k", "tls:8443:/certificates", "SSL:8443"):
            error = self.assertRaises(OptionError, Binding, endpoint=description, tls=True)
            self.assertEqual(error.field, "Binding.tls")
            self.assertTrue(Binding(endpoint=description, tls=False).is_secure_by_itself)
        self.assertFalse(Binding(endpoint="tcp:80").is_secure_by_itself)
        self.assertFalse(Binding(port=443, tls=True).is_secure_by_itself)


class ValueTests(SynchronousTestCase):
    """Values are values."""

    def test_equal_and_frozen(self) -> None:
        """They are equal by what they hold, can stand in sets, and do not change."""
        for first, second in ((Reject(), Reject(403)), (RawTCP(), RawTCP()), (Binding(port=1), Binding("", 1))):
            self.assertEqual(len({first, second}), 1)
        with self.assertRaises(attrs.exceptions.FrozenInstanceError):
            Reject().status = 200  # type: ignore[misc]

    def test_transports(self) -> None:
        """What a connection may speak has lower-case names, for logs and metrics."""
        self.assertEqual([kind.value for kind in TransportKind], ["http", "websocket", "sse", "tcp"])
