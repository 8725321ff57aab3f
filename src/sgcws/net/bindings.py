"""What a user says about where to listen, as Twisted endpoints."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable
from typing import Any

from OpenSSL.crypto import Error as KeyFileError
from twisted.internet.endpoints import (
    AdoptedStreamServerEndpoint,
    TCP4ServerEndpoint,
    TCP6ServerEndpoint,
    serverFromString,
)
from twisted.internet.interfaces import IStreamServerEndpoint, IStreamServerEndpointStringParser
from twisted.plugin import getPlugins

from sgcws.errors import ListenError, OptionError
from sgcws.net.inherited import InheritedEndpoint
from sgcws.options.field import did_you_mean
from sgcws.values import Binding

__all__ = ["as_bindings", "endpoints_for", "wildcard_interfaces"]

DESCRIPTION = "a Twisted endpoint description such as tcp:8080:interface=127.0.0.1"

_KIND = re.compile(r"([a-z][a-z0-9_+.-]*):", re.IGNORECASE)
_PORT = re.compile(r"(?:tcp|tcp6|ssl):(?:port=)?([^:=]*)(?::|$)")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_FUNCTION = re.compile(r"^[\w.]+\(\) ")
_SPLIT_VALUE = re.compile(r"::|=[^:]*:[^:=]*(?::|$)")
"""What a colon within a value leaves behind: an empty field, or one without a name after one with a name."""

_AT_ONCE = ("tcp", "tcp6", "unix")
"""The kinds that take no file, no reactor and nothing of systemd's to read."""
_LATER = ("ssl", "systemd")
"""The other kinds of Twisted's own."""

_NOT_HERE = {
    # Twisted's reader believes every peer, and loses a header that comes in two pieces.
    "haproxy": "any description but haproxy:, which is not served yet",
    "stdio": "any description but stdio:, which is no listener",
}

_BACKLOG_PLACE = {"tcp": 3, "tcp6": 2, "ssl": 6, "tls": 3, "unix": 3}
"""Which argument of a description is the backlog, if it is given without its name."""


def as_bindings(bindings: Iterable[Binding | str]) -> tuple[Binding, ...]:
    """
    Return bindings as values.

    Raises:
        OptionError: If one is neither a `Binding` nor the description of an endpoint.
    """
    if isinstance(bindings, str) or not isinstance(bindings, Iterable):
        raise OptionError("bindings", bindings, "a list of them")
    return tuple(_as_binding(binding) for binding in bindings)


def _as_binding(binding: object) -> Binding:
    if isinstance(binding, str):
        binding = Binding(endpoint=binding)
    if not isinstance(binding, Binding):
        raise OptionError("bindings", binding, f"a Binding, or {DESCRIPTION}")
    if binding.endpoint is not None:
        _check_early(binding.endpoint)
    return binding


def _check_early(description: str) -> None:
    """Refuse what is known to be wrong before a server starts."""
    _check_kind(description)
    kind = description.partition(":")[0]
    if kind in _AT_ONCE:
        _described(None, description, 1)
    elif kind not in _LATER:
        others = [plugin.prefix.lower() for plugin in getPlugins(IStreamServerEndpointStringParser)]
        if kind.lower() not in others:
            near = did_you_mean(kind.lower(), (*_AT_ONCE, *_LATER, *others))
            raise _refused(description, f"no kind is called {kind!r}{near}")


def _check_kind(description: str) -> None:
    """Refuse what is no description, which would make Twisted look through all plugins, and what is not for us."""
    kind = _KIND.match(description)
    if kind is None:
        raise OptionError("bindings", description, DESCRIPTION)
    if kind[1].lower() in _NOT_HERE:
        raise OptionError("bindings", description, _NOT_HERE[kind[1].lower()])


def _check_port(description: str) -> None:
    """Refuse a port that only the system would refuse, when it is listened on."""
    port = _PORT.match(description)
    if port is not None and not (port[1].isascii() and port[1].isdecimal() and int(port[1]) <= 65535):
        raise OptionError("bindings", description, "a port from 0 to 65535")


def endpoints_for(reactor: Any, binding: Binding, backlog: int) -> list[IStreamServerEndpoint]:
    """
    Return the endpoints that together are one binding.

    Raises:
        OptionError: If its description cannot be read.
        ListenError: If it names a file that cannot be used.
    """
    if binding.endpoint is not None:
        return [_described(reactor, binding.endpoint, backlog)]
    port = binding.port or 0
    hosts = (binding.host,) if binding.host else wildcard_interfaces()
    return [
        (TCP6ServerEndpoint if ":" in host else TCP4ServerEndpoint)(reactor, port, backlog=backlog, interface=host)
        for host in hosts
    ]


def _described(reactor: Any, description: str, backlog: int) -> IStreamServerEndpoint:
    _check_kind(description)
    _check_port(description)
    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, with_backlog(description, backlog))
    except OSError as error:
        raise ListenError(description, _file_reason(error), error.errno) from error
    except KeyFileError as error:
        raise ListenError(description, "the certificate or the key cannot be used") from error
    except Exception as error:
        # Each kind of description fails in its own way, and plugins may bring in more of them.
        raise _refused(description, _reason(error)) from error
    if isinstance(endpoint, AdoptedStreamServerEndpoint):
        return InheritedEndpoint(reactor, endpoint.fileno, endpoint.addressFamily)
    return endpoint


def _refused(description: str, reason: str) -> OptionError:
    masked = _ESCAPED.sub("_", description)
    hint = r"; a colon within a value is written \:, as in interface=\:\:1" if _SPLIT_VALUE.search(masked) else ""
    return OptionError("bindings", description, f"{DESCRIPTION}; this one: {reason}{hint}")


def _reason(error: Exception) -> str:
    """Return in one line why Twisted cannot read a description; its words are about the user's own text."""
    words = _FUNCTION.sub("", " ".join(str(error).split()))
    return words if isinstance(error, TypeError | ValueError) else f"{type(error).__name__}: {words}"


def _file_reason(error: OSError) -> str:
    reason = error.strerror or "a file cannot be read"
    return f"{reason}: {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else reason


def with_backlog(description: str, backlog: int) -> str:
    """Add our backlog to an endpoint description that takes one and names none; Twisted's own is 50."""
    kind, *fields = _ESCAPED.sub("_", description).split(":")
    by_place = [field for field in fields if "=" not in field]
    by_name = any(field.startswith("backlog=") for field in fields)
    if by_name or len(by_place) >= _BACKLOG_PLACE.get(kind, 0):
        return description
    return f"{description}:backlog={backlog}"


def wildcard_interfaces() -> tuple[str, ...]:
    """
    Return the interfaces that together mean every address of this machine.

    One socket on ``::`` hears IPv4 too where the system says so (RFC 3493 section 5.3), else it takes two.
    """
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            # Asked before it is bound: a socket bound to one IPv6 address is always alone.
            alone = probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
            probe.bind(("::1", 0))
    except OSError:
        return ("0.0.0.0",)
    return ("::", "0.0.0.0") if alone else ("::",)
