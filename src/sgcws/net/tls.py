"""TLS around what is served: made of options, and looked at on a connection."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator, IProtocolFactory, IReactorTime
from twisted.protocols.policies import ProtocolWrapper
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from zope.interface import implementer

from sgcws.errors import OptionError, TLSConfigError
from sgcws.net.certificates import Credentials, read_credentials
from sgcws.options import TLSOptions
from sgcws.values import TLSDetails, TLSVersion

__all__ = ["HTTP_1_1", "OverTLS", "over_tls", "server_context", "tls_details"]

OverTLS = Callable[[IProtocolFactory], IProtocolFactory]
"""Puts TLS around what a factory's protocols speak."""

HTTP_1_1 = b"http/1.1"
"""What is spoken above TLS, by its name in RFC 7301 section 6."""

CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2: forward secrecy and AEAD, without the costly DHE. TLS 1.3 has nothing else."""

OPTIONS = SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE

VERSIONS = {TLSVersion.TLS_1_2: SSL.TLS1_2_VERSION, TLSVersion.TLS_1_3: SSL.TLS1_3_VERSION}

REFUSALS = {
    "ee key too small": "the certificate's key is too short",
    "ca key too small": "a key in its chain is too short",
    "ca md too weak": "the certificate is signed with a hash that is too weak",
    "ee md too weak": "the certificate is signed with a hash that is too weak",
}
"""Why OpenSSL does not take a certificate, in its words and in ours."""


class _NothingInCommon(SSL.Error):
    """Makes OpenSSL end a handshake with ``no_application_protocol``, as RFC 7301 section 3.2 wants it."""


@implementer(IOpenSSLServerConnectionCreator)
class _Connections:
    """Makes OpenSSL's part of each connection, all of one context."""

    def __init__(self, context: SSL.Context) -> None:
        self._context = context

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        """Make it for one accepted socket."""
        return SSL.Connection(self._context)


def over_tls(options: TLSOptions, clock: IReactorTime) -> OverTLS:
    """
    Read the files of TLS, and return what puts TLS around a factory.

    Args:
        options: What TLS is spoken with.
        clock: The reactor's; it tells whether the certificate is valid, too.

    Raises:
        OptionError: If no certificate is named.
        TLSConfigError: If a file cannot be used.
    """
    connections = _Connections(server_context(options, datetime.fromtimestamp(clock.seconds(), UTC)))

    def wrap(factory: IProtocolFactory) -> IProtocolFactory:
        return TLSMemoryBIOFactory(connections, False, factory, clock)

    return wrap


def server_context(options: TLSOptions, now: datetime) -> SSL.Context:
    """
    Make OpenSSL's context for the server's side.

    Args:
        options: What TLS is spoken with.
        now: The time, which the certificate has to be valid at.

    Raises:
        OptionError: If no certificate is named.
        TLSConfigError: If a file cannot be used.
    """
    path = options.certificate
    if path is None:
        raise OptionError("tls.certificate", None, "the path of a file in PEM")
    context = _bare_context(options)
    try:
        _show(context, read_credentials(path, options.private_key, options.chain, now))
    except SSL.Error as error:
        raise TLSConfigError(path, _refusal(error)) from error
    return context


def _bare_context(options: TLSOptions) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(VERSIONS[options.minimum_version])
    if options.maximum_version is not None:
        context.set_max_proto_version(VERSIONS[options.maximum_version])
    context.set_options(OPTIONS)
    context.set_cipher_list(CIPHERS)
    # An idle connection gives its buffers back. Sessions are resumed by tickets, which are the clients' to keep.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_alpn_select_callback(_select)
    return context


def _show(context: SSL.Context, credentials: Credentials) -> None:
    context.use_certificate(credentials.certificate)
    for issuer in credentials.chain:
        context.add_extra_chain_cert(issuer)
    context.use_privatekey(credentials.private_key)
    context.check_privatekey()


def _select(connection: SSL.Connection, offered: list[bytes]) -> bytes:
    """Choose what is spoken above TLS, of what the client offers."""
    if HTTP_1_1 not in offered:
        raise _NothingInCommon([("", "", "no application protocol in common")])
    return HTTP_1_1


def _refusal(error: SSL.Error) -> str:
    """Say why OpenSSL does not take a certificate."""
    reasons = [reason for _, _, reason in error.args[0]] if error.args else []
    return next((REFUSALS[reason] for reason in reasons if reason in REFUSALS), "OpenSSL does not take it")


def tls_details(transport: Any) -> TLSDetails | None:
    """Return what was agreed with a peer; None where TLS is not spoken, not set up yet, or over."""
    while not isinstance(transport, TLSMemoryBIOProtocol):
        if not isinstance(transport, ProtocolWrapper):
            return None
        transport = transport.transport
    tls = transport.getHandle()
    if tls is None or tls.get_peer_finished() is None:
        return None
    spoken = tls.get_alpn_proto_negotiated().decode("ascii", "replace")
    return TLSDetails(tls.get_protocol_version_name(), tls.get_cipher_name(), spoken or None)
