"""Promises of `sgcws.net.tls`: what is offered, what is refused, and what is told of it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from OpenSSL import SSL
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.protocols.policies import WrappingFactory
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

from sgcws.errors import OptionError, TLSConfigError
from sgcws.net import tls
from sgcws.net.tls import over_tls, server_context, tls_details
from sgcws.options import TLSOptions
from sgcws.values import TLSDetails, TLSVersion
from tests.support import Quiet
from tests.tls import issue, pem, tls_files

NOW = datetime.datetime(2030, 6, 1, tzinfo=datetime.UTC)


class Talk:
    """
    A server and a client that have exchanged all they had to say.

    Args:
        server: The server's context.
        client: The client's.
        session: An older one that the client wants to go on with.

    Attributes:
        errors: Why it failed, by either side; empty if it did not.
    """

    def __init__(self, server: SSL.Context, client: SSL.Context, session: Any = None) -> None:
        self.server, self.client = SSL.Connection(server, None), SSL.Connection(client, None)
        if session is not None:
            self.client.set_session(session)
        self.server.set_accept_state()
        self.client.set_connect_state()
        self.errors: list[str] = []
        for _ in range(5):
            self.step(self.client, self.server)
            self.step(self.server, self.client)

    def step(self, one: SSL.Connection, other: SSL.Connection) -> None:
        """Let one go on, and bring the other what it says."""
        try:
            one.do_handshake()
        except SSL.WantReadError:
            """The other has to go on."""
        except SSL.Error as error:
            self.errors += [reason for _, _, reason in error.args[0]]
        try:
            other.bio_write(one.bio_read(1 << 16))
        except SSL.WantReadError:
            """It had nothing to say."""


def client(
    ciphers: str = "ALL:@SECLEVEL=0", newest: int = SSL.TLS1_3_VERSION, alpn: tuple[bytes, ...] = ()
) -> SSL.Context:
    """Make a client that takes everything, unless told otherwise."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_VERSION)
    context.set_max_proto_version(newest)
    context.set_cipher_list(ciphers.encode())
    if alpn:
        context.set_alpn_protos(list(alpn))
    return context


class ContextTestCase(SynchronousTestCase):
    """Contexts of files."""

    def options(self, key: Any = None, **more: Any) -> TLSOptions:
        """Write a certificate with its key into a file, and return the options that name it."""
        path = Path(self.mktemp())
        path.write_bytes(pem(*issue(key=key)))
        return TLSOptions(certificate=str(path), **more)

    def context(self, key: Any = None, **more: Any) -> SSL.Context:
        """Make a context."""
        return server_context(self.options(key, **more), NOW)


class OfferTests(ContextTestCase):
    """What is offered to clients."""

    def test_versions(self) -> None:
        """TLS 1.3 and 1.2 are spoken, the newest that both know; nothing older is."""
        context = self.context()
        for newest, version in ((SSL.TLS1_3_VERSION, "TLSv1.3"), (SSL.TLS1_2_VERSION, "TLSv1.2")):
            talk = Talk(context, client(newest=newest))
            self.assertEqual((talk.errors, talk.client.get_protocol_version_name()), ([], version))
        for newest in (SSL.TLS1_1_VERSION, SSL.TLS1_VERSION):
            self.assertIn("unsupported protocol", Talk(context, client(newest=newest)).errors)

    def test_chosen_versions(self) -> None:
        """The oldest and the newest version can be chosen."""
        only_new = self.context(minimum_version=TLSVersion.TLS_1_3)
        self.assertIn("unsupported protocol", Talk(only_new, client(newest=SSL.TLS1_2_VERSION)).errors)
        self.assertEqual(Talk(only_new, client()).errors, [])
        only_old = self.context(maximum_version=TLSVersion.TLS_1_2)
        self.assertEqual(Talk(only_old, client()).client.get_protocol_version_name(), "TLSv1.2")

    def test_ciphers(self) -> None:
        """Every cipher that is offered has forward secrecy and is AEAD."""
        for cipher in SSL.Connection(self.context(), None).get_cipher_list():
            self.assertRegex(cipher, "^(TLS_|ECDHE-)")
            self.assertRegex(cipher, "GCM|CHACHA20")

    def test_agreed_ciphers(self) -> None:
        """One of them is agreed on, whatever else a client would take, with keys of both usual kinds."""
        for key, signed in ((None, "ECDSA"), (rsa.generate_private_key(65537, 2048), "RSA")):
            context = self.context(key)
            old, new = Talk(context, client(newest=SSL.TLS1_2_VERSION)), Talk(context, client())
            self.assertEqual(old.client.get_cipher_name(), f"ECDHE-{signed}-AES256-GCM-SHA384")
            self.assertEqual(new.client.get_cipher_name(), "TLS_AES_256_GCM_SHA384")

    def test_refused_ciphers(self) -> None:
        """CBC, static RSA, DHE and ciphers without a signature are refused."""
        context = self.context(rsa.generate_private_key(65537, 2048))
        cbc = "ECDHE+SHA256:ECDHE+SHA384:-AESGCM"
        for ciphers in ("kRSA+AESGCM", "kRSA+SHA", "ECDHE+SHA", cbc, "DHE+AESGCM", "aNULL"):
            with self.subTest(ciphers=ciphers):
                old = Talk(context, client(f"{ciphers}:@SECLEVEL=0", SSL.TLS1_2_VERSION))
                self.assertIn("no shared cipher", old.errors)

    def test_resumption(self) -> None:
        """A session is resumed by a ticket, and the server keeps nothing for it."""
        context, theirs = self.context(), client(newest=SSL.TLS1_2_VERSION)
        first = Talk(context, theirs)
        again = Talk(context, theirs, first.client.get_session())
        self.assertEqual((again.errors, again.server.master_key()), ([], first.client.master_key()))
        self.assertNotEqual(Talk(context, theirs).server.master_key(), first.client.master_key())
        self.assertEqual(context.get_session_cache_mode(), SSL.SESS_CACHE_OFF)

    def test_no_renegotiation(self) -> None:
        """A client that wants to begin anew is told no, and is served on."""
        talk = Talk(self.context(), client(newest=SSL.TLS1_2_VERSION))
        talk.client.renegotiate()
        talk.step(talk.client, talk.server)
        self.assertRaises(SSL.WantReadError, talk.server.recv, 10)
        talk.client.bio_write(talk.server.bio_read(1 << 16))
        with self.assertRaises(SSL.Error) as caught:
            talk.client.do_handshake()
        self.assertIn("no renegotiation", str(caught.exception))


class ALPNTests(ContextTestCase):
    """What is spoken above it."""

    def test_chosen(self) -> None:
        """HTTP/1.1 is chosen wherever it is offered; who offers nothing is served, too."""
        context = self.context()
        for offered, chosen in (((b"http/1.1",), b"http/1.1"), ((b"h2", b"http/1.1"), b"http/1.1"), ((), b"")):
            talk = Talk(context, client(alpn=offered))
            self.assertEqual((talk.errors, talk.client.get_alpn_proto_negotiated()), ([], chosen))

    def test_nothing_in_common(self) -> None:
        """Who offers other protocols only is told that, as RFC 7301 wants it, and harms no other client."""
        context = self.context()
        self.assertIn("tlsv1 alert no application protocol", Talk(context, client(alpn=(b"h2", b"mqtt"))).errors)
        self.assertEqual(Talk(context, client()).errors, [])


class WrongTests(ContextTestCase):
    """What cannot be used."""

    def test_no_certificate(self) -> None:
        """Without a certificate there is no TLS, and the option that is missing is named."""
        error: OptionError = self.assertRaises(OptionError, server_context, TLSOptions(), NOW)
        self.assertEqual(error.field, "tls.certificate")

    def test_weak(self) -> None:
        """A key that OpenSSL finds too short is refused with the file and the reason."""
        options = self.options(rsa.generate_private_key(65537, 1024))
        error: TLSConfigError = self.assertRaises(TLSConfigError, server_context, options, NOW)
        self.assertEqual((error.path, error.reason), (options.certificate, "the certificate's key is too short"))
        self.assertIsInstance(error.__cause__, SSL.Error)

    def test_useless(self) -> None:
        """So is one that no cipher can be used with."""
        self.assertRaises(TLSConfigError, self.context, dsa.generate_private_key(2048))

    def test_other_reasons(self) -> None:
        """What OpenSSL says that we have no words for is not passed on."""
        self.patch(tls, "REFUSALS", {})
        error: TLSConfigError = self.assertRaises(TLSConfigError, self.context, ec.generate_private_key(ec.SECP192R1()))
        self.assertEqual(error.reason, "OpenSSL does not take it")


class FactoryTests(SynchronousTestCase):
    """TLS around a factory."""

    def setUp(self) -> None:
        """Have a certificate."""
        self.clock = Clock()
        self.options = tls_files(self.mktemp())

    def test_around(self) -> None:
        """The factory's protocols are served under TLS, by the clock that is handed in."""
        inner = Factory.forProtocol(Quiet)
        outer: Any = over_tls(self.options, self.clock)(inner)
        self.assertIsInstance(outer, TLSMemoryBIOFactory)
        self.assertIs(outer.wrappedFactory, inner)
        self.assertIs(outer._clock, self.clock)

    def test_read_once(self) -> None:
        """The files are read when it is made, for all listeners, and not again."""
        wrap = over_tls(self.options, self.clock)
        assert self.options.certificate is not None
        Path(self.options.certificate).unlink()
        wrap(Factory.forProtocol(Quiet))
        self.assertRaises(TLSConfigError, over_tls, self.options, self.clock)

    def test_the_clocks_time(self) -> None:
        """Whether the certificate is valid is told by that clock."""
        self.clock.advance(40_000_000_000)
        error: TLSConfigError = self.assertRaises(TLSConfigError, over_tls, self.options, self.clock)
        self.assertIn("expired", error.reason)


class DetailsTests(SynchronousTestCase):
    """What is told of a connection."""

    def connect(self, layer: Any = None, alpn: tuple[bytes, ...] = ()) -> None:
        """Connect a client through layers."""
        self.clock = Clock()
        self.top = Quiet()
        inner = Factory()
        inner.buildProtocol = lambda address: self.top  # type: ignore[method-assign]
        factory: Any = over_tls(tls_files(self.mktemp()), self.clock)(inner if layer is None else layer(inner))
        self.socket = StringTransport()
        self.bottom = factory.buildProtocol(None)
        self.bottom.makeConnection(self.socket)
        self.client = SSL.Connection(client(alpn=alpn), None)
        self.client.set_connect_state()

    def exchange(self) -> None:
        """Bring over what the client says, and what the server answers."""
        self.assertRaises(SSL.WantReadError, self.client.do_handshake)
        self.bottom.dataReceived(self.client.bio_read(1 << 16))
        self.client.bio_write(self.socket.value())
        self.socket.clear()

    def shake(self) -> None:
        """Complete the handshake."""
        self.exchange()
        self.client.do_handshake()
        self.bottom.dataReceived(self.client.bio_read(1 << 16))

    def test_details(self) -> None:
        """Version, cipher and protocol are those that were agreed on."""
        self.connect(alpn=(b"http/1.1",))
        self.shake()
        expected = TLSDetails("TLSv1.3", "TLS_AES_256_GCM_SHA384", "http/1.1")
        self.assertEqual(tls_details(self.top.transport), expected)

    def test_no_alpn(self) -> None:
        """Without a word about protocols there is none."""
        self.connect()
        self.shake()
        details = tls_details(self.top.transport)
        assert details is not None
        self.assertIsNone(details.alpn)

    def test_layers(self) -> None:
        """It is found below other layers."""
        self.connect(WrappingFactory)
        self.shake()
        self.assertIsNotNone(tls_details(self.top.transport))

    def test_not_yet(self) -> None:
        """Before the end of the handshake, and after the end of the connection, there is nothing to tell."""
        self.connect()
        self.assertIsNone(tls_details(self.bottom))
        self.exchange()
        self.assertIsNone(tls_details(self.bottom))
        self.client.do_handshake()
        self.bottom.dataReceived(self.client.bio_read(1 << 16))
        self.assertIsNotNone(tls_details(self.bottom))
        self.bottom.connectionLost(None)
        self.assertIsNone(tls_details(self.bottom))

    def test_plain(self) -> None:
        """There is nothing to tell of a plain socket, or of nothing."""
        self.assertIsNone(tls_details(StringTransport()))
        self.assertIsNone(tls_details(None))
