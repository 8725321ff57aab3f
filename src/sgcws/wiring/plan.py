"""What a start goes by: where to listen, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
from twisted.internet.interfaces import IReactorTime, IStreamServerEndpoint

from sgcws.errors import OptionError
from sgcws.net.bindings import as_bindings, endpoints_for
from sgcws.net.tls import OverTLS, over_tls
from sgcws.options import ServerOptions
from sgcws.options.kinds import Refused, port_number
from sgcws.values import Binding

__all__ = ["DEFAULT_PORT", "Plan"]

DEFAULT_PORT = 8080


@attrs.frozen(kw_only=True)
class Plan:
    """
    Where to listen, and how.

    Args:
        port: The port on all interfaces, or None with *bindings*.
        bindings: Where to listen instead.
        options: How.
    """

    port: int | None = DEFAULT_PORT
    bindings: tuple[Binding, ...] = ()
    options: ServerOptions = attrs.field(factory=ServerOptions)

    @classmethod
    def of(
        cls,
        port: int | None,
        bindings: Iterable[Binding | str],
        options: ServerOptions | None,
        groups: Mapping[str, Any],
    ) -> Plan:
        """
        Make the plan of what a user gave.

        Args:
            port: A port, or None.
            bindings: Bindings instead; with neither it is `DEFAULT_PORT`.
            options: All options in one value, or None.
            groups: Groups of options by name instead.

        Raises:
            OptionError: If something is not allowed, given in two ways, or missing.
        """
        plan = cls._given(port, bindings, options, groups)
        plan.places()
        return plan

    @classmethod
    def _given(
        cls,
        port: int | None,
        bindings: Iterable[Binding | str],
        options: ServerOptions | None,
        groups: Mapping[str, Any],
    ) -> Plan:
        plan = cls().on(bindings) if port is None else cls().on_port(port)
        if port is not None and as_bindings(bindings):
            raise OptionError("port", port, "either port or bindings, not both")
        if options is None:
            return attrs.evolve(plan, options=attrs.evolve(plan.options, **groups))
        if groups:
            name, group = next(iter(groups.items()))
            raise OptionError(name, group, "the group in options or by itself, not both")
        return plan.under(options)

    def on_port(self, port: int) -> Plan:
        """
        Return the same plan for *port* on all interfaces.

        Raises:
            OptionError: If that is no port.
        """
        try:
            return attrs.evolve(self, port=port_number.check(port), bindings=())
        except Refused:
            raise OptionError("port", port, port_number.allowed) from None

    def on(self, bindings: Iterable[Binding | str]) -> Plan:
        """
        Return the same plan for *bindings*; for `DEFAULT_PORT` if there are none.

        Raises:
            OptionError: If one is no binding.
        """
        listed = as_bindings(bindings)
        return attrs.evolve(self, port=None if listed else DEFAULT_PORT, bindings=listed)

    def under(self, options: ServerOptions) -> Plan:
        """
        Return the same plan with other options.

        Raises:
            OptionError: If these are no `ServerOptions`.
        """
        if not isinstance(options, ServerOptions):
            raise OptionError("options", options, "ServerOptions")
        return attrs.evolve(self, options=options)

    def places(self) -> tuple[Binding, ...]:
        """
        Return where to listen, as bindings of which each says whether TLS is spoken there.

        Raises:
            OptionError: If TLS is spoken without a certificate, or at a binding without the options for it.
        """
        tls = self.options.tls
        if tls is not None and tls.certificate is None:
            raise OptionError("tls.certificate", None, "the path of a file in PEM")
        return tuple(self._settled(binding) for binding in self.bindings or (Binding(port=self.port),))

    def endpoints(self, reactor: Any) -> list[tuple[Binding, IStreamServerEndpoint]]:
        """
        Return where to listen, each binding with the endpoints that together are it.

        Raises:
            OptionError: If a description cannot be read, or what `places` raises it for.
            ListenError: If a description names a file that cannot be used.
        """
        backlog = self.options.listen.backlog
        return [(place, endpoint) for place in self.places() for endpoint in endpoints_for(reactor, place, backlog)]

    def over_tls(self, clock: IReactorTime) -> OverTLS | None:
        """
        Read the files of TLS, and return what puts TLS around a factory; None without the options for it.

        Raises:
            TLSConfigError: If a file cannot be used.
        """
        return None if self.options.tls is None else over_tls(self.options.tls, clock)

    def _settled(self, binding: Binding) -> Binding:
        """Return the same binding, with what the server does where it says nothing of TLS."""
        if binding.tls and self.options.tls is None:
            raise OptionError("Binding.tls", True, "True with the options of the group tls, as in tls=TLSOptions(...)")
        follows = self.options.tls is not None and not binding.is_secure_by_itself
        return attrs.evolve(binding, tls=follows if binding.tls is None else binding.tls)
