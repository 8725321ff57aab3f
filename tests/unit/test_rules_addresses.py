"""Promises of `sgcws.rules.addresses`: an address is shown as people know it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import HostnameAddress, IPv4Address, IPv6Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from sgcws.rules.addresses import host_and_port

ports = st.integers(0, 65535)


class HostAndPortTests(SynchronousTestCase):
    """Any address is a text and a number."""

    def test_cases(self) -> None:
        """IPv6 is shown as it is, an IPv4 address within IPv6 as IPv4."""
        for host, shown in (
            ("::1", "::1"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::FFFF:192.0.2.1", "192.0.2.1"),
            ("::ffff:0:192.0.2.1", "::ffff:0:192.0.2.1"),
            ("::ffff:1", "::ffff:1"),
            ("::", "::"),
        ):
            self.assertEqual(host_and_port(IPv6Address("TCP", host, 80)), (shown, 80))

    def test_without_an_address(self) -> None:
        """What has none is empty and 0."""
        for address in (None, UNIXAddress("/run/x"), UNIXAddress(None), HostnameAddress(b"x", 1), ("1.2.3.4", 5)):
            self.assertEqual(host_and_port(address), ("", 0))

    @given(st.ip_addresses(v=4).map(str), ports)
    def test_both_ways(self, host: str, port: int) -> None:
        """An IPv4 peer looks the same whether the socket listens on IPv4 or on both."""
        self.assertEqual(host_and_port(IPv4Address("TCP", host, port)), (host, port))
        self.assertEqual(host_and_port(IPv6Address("TCP", f"::ffff:{host}", port)), (host, port))

    @given(st.text() | st.ip_addresses(v=6).map(str), ports)
    def test_any_text(self, host: str, port: int) -> None:
        """Whatever the text, it is shown whole or without the prefix, and the port is kept."""
        shown, number = host_and_port(IPv6Address("TCP", host, port))
        self.assertEqual(number, port)
        self.assertTrue(host == shown or (host.endswith(shown) and len(host) == len(shown) + len("::ffff:")))
