"""What a user says about where to listen, as Twisted endpoints."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from typing import Any

from twisted.internet.endpoints import TCP4ServerEndpoint, TCP6ServerEndpoint, serverFromString
from twisted.internet.interfaces import IStreamServerEndpoint

from sgcws.errors import OptionError
from sgcws.values import Binding

__all__ = ["as_bindings", "endpoints_for", "wildcard_interfaces"]

ALLOWED = "a Binding, or a Twisted endpoint description such as tcp:8080:interface=127.0.0.1"

_TAKES_BACKLOG = re.compile(r"(tcp|tcp4|tcp6|ssl|unix):")


def as_bindings(bindings: Iterable[Binding | str]) -> tuple[Binding, ...]:
    """
    Return bindings as values.

    Raises:
        OptionError: If one is neither a `Binding` nor text.
    """
    if isinstance(bindings, str):
        raise OptionError("bindings", bindings, "a list of them")
    return tuple(_as_binding(binding) for binding in bindings)


def _as_binding(binding: Binding | str) -> Binding:
    if isinstance(binding, Binding):
        return binding
    if not isinstance(binding, str) or ":" not in binding:
        raise OptionError("bindings", binding, ALLOWED)
    if binding.startswith("haproxy:"):
        # Twisted's reader believes every peer and loses a header that comes in two pieces.
        raise OptionError("bindings", binding, "any description but haproxy:, which is not served yet")
    return Binding(endpoint=binding)


def endpoints_for(reactor: Any, binding: Binding, backlog: int) -> list[IStreamServerEndpoint]:
    """
    Return the endpoints that together are one binding.

    Raises:
        OptionError: If its description cannot be read.
    """
    if binding.port is not None:
        hosts = (binding.host,) if binding.host else wildcard_interfaces()
        return [_tcp(reactor, host, binding.port, backlog) for host in hosts]
    try:
        return [serverFromString(reactor, with_backlog(binding.endpoint or "", backlog))]
    except (ValueError, TypeError, LookupError) as error:
        raise OptionError("bindings", binding.endpoint, ALLOWED) from error


def with_backlog(description: str, backlog: int) -> str:
    """Add our backlog to an endpoint description that takes one and names none; Twisted's own is 50."""
    if _TAKES_BACKLOG.match(description) and "backlog=" not in description:
        return f"{description}:backlog={backlog}"
    return description


def _tcp(reactor: Any, host: str, port: int, backlog: int) -> IStreamServerEndpoint:
    kind = TCP6ServerEndpoint if ":" in host else TCP4ServerEndpoint
    return kind(reactor, port, backlog=backlog, interface=host)


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
