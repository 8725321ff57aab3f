"""TLS for tests: certificates made for the occasion, in memory and in files, and a client."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto
from twisted.internet.ssl import CertificateOptions
from twisted.protocols.tls import TLSMemoryBIOFactory

from sgcws.options import TLSOptions
from tests.web import Socket

__all__ = ["Issued", "TLSClient", "issue", "pem", "self_signed", "tls_files", "under_tls"]

BEGIN = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
"""Where the clocks of reactors in memory begin."""
END = datetime.datetime(2999, 1, 1, tzinfo=datetime.UTC)


class Issued(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any


def issue(
    name: str = "localhost",
    by: Issued | None = None,
    *,
    key: Any = None,
    begin: datetime.datetime = BEGIN,
    end: datetime.datetime = END,
) -> Issued:
    """Make a certificate, signed by itself if nobody else is named."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = Issued(None, key) if by is None else by  # type: ignore[arg-type]
    alternatives = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False)
    )
    without_hash = isinstance(signer.key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return Issued(builder.sign(signer.key, None if without_hash else hashes.SHA256()), key)


def pem(*things: Any, password: bytes | None = None) -> bytes:
    """Return certificates and keys as a file has them."""
    text = serialization.Encoding.PEM
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return b"".join(
        thing.public_bytes(text)
        if isinstance(thing, x509.Certificate)
        else thing.private_bytes(text, serialization.PrivateFormat.PKCS8, hidden)
        for thing in things
    )


def tls_files(folder: str, **more: Any) -> TLSOptions:
    """Write a certificate and its key into a new folder, and return the options that name them."""
    path = Path(folder)
    path.mkdir(parents=True)
    made = issue()
    (path / "certificate.pem").write_bytes(pem(made.certificate))
    (path / "key.pem").write_bytes(pem(made.key))
    return TLSOptions(certificate=str(path / "certificate.pem"), private_key=str(path / "key.pem"), **more)


def for_two_threads(context: ssl.SSLContext) -> ssl.SSLContext:
    """
    Let a context do for a client that reads in one thread and writes in another, as that of websockets does.

    OpenSSL allows no such thing, and Python 3.11 does not prevent it. With TLS 1.3 the tickets that come behind
    the handshake are read just while the first request is written: one time in some hundreds, that request is lost.
    """
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def self_signed() -> CertificateOptions:
    """Make a certificate that nobody else has signed, and what TLS needs of it."""
    made = issue()
    key = crypto.PKey.from_cryptography_key(made.key)
    return CertificateOptions(key, crypto.X509.from_cryptography(made.certificate))


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
