"""TLS in memory: a certificate made for the occasion, and a client."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOFactory

from tests.web import Socket

__all__ = ["TLSClient", "self_signed", "under_tls"]


def self_signed() -> CertificateOptions:
    """Make a certificate that nobody else has signed, and what TLS needs of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return CertificateOptions(crypto.PKey.from_cryptography_key(key), crypto.X509.from_cryptography(certificate))


def under_tls(factory: Any, certificate: CertificateOptions, clock: Any) -> TLSMemoryBIOFactory:
    """Return a factory whose protocols speak TLS, and hand what they read on to those of *factory*."""
    return TLSMemoryBIOFactory(certificate, False, factory, clock)


class TLSClient:
    """
    A client that speaks TLS.

    Args:
        socket: Its socket.
        protocols: What it offers to speak (RFC 7301), best first.
    """

    def __init__(self, socket: Socket, protocols: Sequence[bytes] = ()) -> None:
        self._socket = socket
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        if protocols:
            context.set_alpn_protos(list(protocols))
        self._tls = SSL.Connection(context, None)
        self._tls.set_connect_state()
        self._plain = b""
        self._ended = False
        self._exchange()

    @property
    def negotiated(self) -> bytes:
        """What both sides have agreed to speak; empty if they have not."""
        return self._tls.get_alpn_proto_negotiated()

    @property
    def closed(self) -> bool:
        """Whether the server has said goodbye and, once that was answered, has closed the socket."""
        self._exchange()
        if self._ended:
            self._tls.shutdown()
            self._exchange()
        return self._ended and self._socket.closed

    def send(self, data: bytes) -> None:
        """Send some bytes."""
        self._tls.sendall(data)
        self._exchange()

    def received(self) -> bytes:
        """Return what has come since the last time."""
        self._exchange()
        plain, self._plain = self._plain, b""
        return plain

    def _exchange(self) -> None:
        """Carry bytes to and fro until neither side has more to say."""
        busy = True
        while busy:
            self._read()
            sent = self._drain()
            if sent and not self._socket.closed:
                self._socket.send(sent)
            _ = self._socket.closed
            came = self._socket.received()
            if came:
                self._tls.bio_write(came)
            busy = bool(sent or came)

    def _read(self) -> None:
        try:
            while not self._ended:
                self._plain += self._tls.recv(65536)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self._ended = True

    def _drain(self) -> bytes:
        try:
            return self._tls.bio_read(1 << 20)
        except SSL.WantReadError:
            return b""
