"""What a start goes by: where to listen, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from sgcws.errors import OptionError
from sgcws.net.bindings import as_bindings
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
            OptionError: If something is not allowed, or given in two ways.
        """
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
        """Return where to listen, as bindings."""
        return self.bindings or (Binding(port=self.port),)
