"""Promises of `sgcws.rules.places`."""

from __future__ import annotations

from twisted.internet.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.places import Place


class PlaceTests(SynchronousTestCase):
    """Where a listener listens."""

    def test_shown(self) -> None:
        """A place is shown as something to click or to type; a listener on all interfaces by a name that works."""
        for address, secure, shown in (
            (IPv4Address("TCP", "127.0.0.1", 8080), False, "http://127.0.0.1:8080/"),
            (IPv6Address("TCP", "::1", 8080), False, "http://[::1]:8080/"),
            (IPv4Address("TCP", "0.0.0.0", 80), False, "http://localhost:80/ (all interfaces)"),
            (IPv6Address("TCP", "::", 8443), True, "https://localhost:8443/ (all interfaces)"),
            (UNIXAddress("/run/chat.sock"), False, "unix:/run/chat.sock"),
            (UNIXAddress(b"/run/chat.sock"), False, "unix:/run/chat.sock"),
            (UNIXAddress(None), False, "unix:"),
            (HostnameAddress(b"example.com", 1), False, str(HostnameAddress(b"example.com", 1))),
        ):
            self.assertEqual(str(Place(address, secure)), shown)

    def test_reached(self) -> None:
        """A listener on all interfaces is reached over the loopback; what has no port is not reached."""
        for address, host, port in (
            (IPv4Address("TCP", "0.0.0.0", 80), "127.0.0.1", 80),
            (IPv6Address("TCP", "::", 80), "::1", 80),
            (IPv4Address("TCP", "192.0.2.1", 80), "192.0.2.1", 80),
            (UNIXAddress("/run/chat.sock"), "", 0),
        ):
            self.assertEqual((Place(address).host, Place(address).port), (host, port))
