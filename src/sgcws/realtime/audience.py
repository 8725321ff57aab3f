"""The part of the facade that speaks to the peers."""

from __future__ import annotations

from collections.abc import Iterable

from sgcws.carrier import Carrier, carried
from sgcws.realtime.broadcast import broadcast, ping_all
from sgcws.realtime.channels import Channels
from sgcws.realtime.farewell import say_goodbye
from sgcws.realtime.groups import Groups
from sgcws.realtime.registry import Connections
from sgcws.realtime.shared import Shared
from sgcws.rules.close_codes import check_close
from sgcws.values import Part

__all__ = ["Audience"]


class Audience:
    """The peers that can take messages: one of them, some, or all."""

    _shared: Shared
    _carrier: Carrier

    @property
    def connections(self) -> Connections:
        """The peers that can take messages, by guid: a read-only mapping, safe to iterate while it changes."""
        return Connections(self._shared.registry)

    @property
    def channels(self) -> Channels:
        """The channels by name, each with the connections that subscribed to it: a read-only mapping, always of now."""
        return Channels(self._shared.registry)

    @property
    def groups(self) -> Groups:
        """
        The groups by name, each with the connections that the application put into it.

        Original: ``Groups``.
        """
        return Groups(self._shared.registry, self._carrier)

    @carried
    def write_data(
        self,
        guid: str,
        data: str | bytes,
        *,
        fragment_size: int | None = None,
        part: Part | None = None,
        key: str | None = None,
    ) -> bool:
        """
        Send one message, or a part of one, to one peer, as `Connection.write_data` does.

        Args:
            guid: Whom.
            data: ``str`` goes out as a text message, ``bytes`` as binary.
            fragment_size: Splits it into fragments of so many bytes.
            part: Builds one message of several calls.
            key: Under ``WhenFull.CONFLATE`` a message takes the place of the one that waits with the same key.

        Returns:
            Whether it was taken; False if no live peer has that guid.

        Raises:
            TypeError: As `Connection.write_data` does; so are the next two.
            ValueError: For options that are not allowed.
            UnicodeEncodeError: For a lone surrogate.

        Original: ``WriteData``.
        """
        peer = self._shared.registry.get(guid)
        return peer is not None and peer.write_data(data, fragment_size=fragment_size, part=part, key=key)

    @carried
    def broadcast(
        self,
        data: str | bytes,
        *,
        channel: str | Iterable[str] | None = None,
        protocol: str | None = None,
        include: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] = (),
        key: str | None = None,
        fragment_size: int | None = None,
    ) -> int:
        """
        Send the same message to every peer that passes all filters.

        Args:
            data: ``str`` goes out as a text message, ``bytes`` as binary; encoded once.
            channel: Only subscribers of this channel, or of one of these.
            protocol: Only peers that speak this sub-protocol.
            include: Only these guids; an iterable, or one string with commas or semicolons. None is no restriction,
                an empty one is nobody.
            exclude: Never these guids.
            key: Under ``WhenFull.CONFLATE`` a message takes the place of the one that waits with the same key.
            fragment_size: Splits it into fragments of so many bytes.

        Returns:
            How many peers took it. One that fails goes to ``on_exception`` and stops nobody.

        Raises:
            TypeError: If an argument is of another type.
            ValueError: If the name of a channel is empty, or *fragment_size* less than 1.
            UnicodeEncodeError: If *data* holds a lone surrogate, which UTF-8 cannot carry.

        Original: ``Broadcast``.
        """
        return broadcast(
            self._shared.registry,
            data,
            channel=channel,
            protocol=protocol,
            include=include,
            exclude=exclude,
            key=key,
            fragment_size=fragment_size,
        )

    @carried
    def ping(self, payload: bytes = b"") -> int:
        """
        Ping every WebSocket peer (RFC 6455 section 5.5.2).

        Returns:
            How many were pinged.

        Raises:
            ValueError: If *payload* is longer than 125 bytes.

        Original: ``Ping``.
        """
        return ping_all(self._shared.registry, payload)

    @carried
    def disconnect_all(self, code: int = 1000, reason: str = "") -> int:
        """
        Close every connection, plain HTTP too, and go on listening.

        Args:
            code: The close code for WebSockets.
            reason: Up to 123 bytes once encoded as UTF-8.

        Returns:
            How many of them could take messages.

        Raises:
            ValueError: If *code* may not be sent or *reason* is too long.

        Original: ``DisconnectAll``.
        """
        check_close(code, reason)
        return say_goodbye(self._shared.registry, code, reason)
