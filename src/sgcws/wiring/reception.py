"""What becomes of an accepted socket."""

from __future__ import annotations

import socket
from contextlib import suppress
from functools import partial
from typing import Any

from twisted.internet.interfaces import IProtocol, ISSLTransport, ISystemHandle, ITCPTransport
from twisted.protocols.policies import ProtocolWrapper

from sgcws.http.channel import Channel
from sgcws.http.site import CommandSite
from sgcws.interfaces import Shuttable
from sgcws.net.tls import tls_details
from sgcws.options import ListenOptions
from sgcws.realtime.connection import Peer
from sgcws.realtime.shared import Shared
from sgcws.rules.addresses import host_and_port
from sgcws.tcp import RawTCPProtocol
from sgcws.values import RawTCP

__all__ = ["FrontDesk"]


class FrontDesk:
    """
    Makes a `Peer` of each new socket, asks the application about it, and gives it to whoever speaks its protocol.

    Args:
        shared: What all peers of the server share.
        site: Where HTTP is answered from.
    """

    def __init__(self, shared: Shared, site: CommandSite) -> None:
        self._shared = shared
        self._site = site

    def accepted(self, holder: Shuttable, transport: Any) -> Peer:
        """Note a new socket."""
        # A socket that was reset before it was accepted takes no options on some systems; reading tells of its end.
        with suppress(OSError):
            tune(transport, self._shared.options.listen)
        tls = partial(tls_details, transport) if ISSLTransport.providedBy(transport) else None
        return Peer(self._shared, transport.getPeer(), transport.getHost(), holder, tls)

    def may_connect(self, peer: Peer) -> Any:
        """Ask whether it may stay."""
        return self._shared.events.on_tcp_connect.ask(peer)

    def may_be_unknown(self, peer: Peer, first_bytes: bytes) -> Any:
        """Ask what to do with what is no protocol of ours."""
        return self._shared.events.on_unknown_protocol.ask(peer, first_bytes)

    def http(self, peer: Peer) -> IProtocol:
        """Make the channel that speaks HTTP/1.1."""
        channel: Channel = self._site.buildProtocol(None)
        channel.tenant = peer
        # The first head has the time that the first bytes have left.
        gone_by = self._shared.clock.seconds() - peer.created_at
        channel.first_head_timeout = max(0.0, channel.head_timeout - gone_by)
        return channel

    def raw_tcp(self, peer: Peer, answer: RawTCP) -> IProtocol:
        """Make the protocol that speaks none; *answer* says where its messages end."""
        return RawTCPProtocol(peer, answer)

    def lost(self, peer: Peer) -> None:
        """Hear that the socket closed before anyone took it over."""
        peer.lost()


def tune(transport: Any, options: ListenOptions) -> None:
    """Set a new socket's options, as far as it has any: a Unix socket has none, whatever its transport provides."""
    if not (ITCPTransport.providedBy(transport) and host_and_port(transport.getHost())[1]):
        return
    transport.setTcpNoDelay(options.tcp_no_delay)
    if options.tcp_keep_alive is not None:
        transport.setTcpKeepAlive(True)
        probe_after(_handle(transport), round(options.tcp_keep_alive))


def probe_after(handle: object, seconds: int) -> None:
    """Set how long a socket is idle before it is probed, where the system knows that."""
    if isinstance(handle, socket.socket) and hasattr(socket, "TCP_KEEPIDLE"):
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)


def _handle(transport: Any) -> object:
    """Return the socket itself, from under TLS and whatever else stands in between."""
    while isinstance(transport, ProtocolWrapper):
        transport = transport.transport
    return transport.getHandle() if ISystemHandle.providedBy(transport) else None
