"""`WebSocketHTTPServer`: one object, one port. It wires the rooms together and holds no rule of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sgcws import mainloop
from sgcws.carrier import Carrier, carried, in_pool_of
from sgcws.errors import LifecycleError
from sgcws.events import Events
from sgcws.http.root import Root
from sgcws.lifecycle import Phase
from sgcws.options import OptionGroups, ServerOptions
from sgcws.realtime.audience import Audience
from sgcws.realtime.shared import Shared
from sgcws.values import Binding
from sgcws.version import VERSION
from sgcws.websocket import WebSocketResource
from sgcws.wiring.assembly import furnish, upgrades
from sgcws.wiring.operation import STOP_TIMEOUT, Operation
from sgcws.wiring.plan import Plan

__all__ = ["WebSocketHTTPServer"]


class WebSocketHTTPServer(Events, Audience, Service):
    """
    A server for HTTP/1.1, WebSocket and raw TCP on one port.

    Its events are attributes, see `Events`, and it speaks to its peers as an `Audience`. It is a Twisted service:
    ``setServiceParent`` puts it into an application.
    Every method may be called from any thread; a Deferred is waited for with `wait` there.

    Args:
        port: The port on all interfaces, IPv4 and IPv6; 0 lets the system choose. 8080 if no *bindings* are given.
        bindings: Where to listen instead: Twisted endpoint descriptions or `Binding` values.
        options: All options in one value.
        reactor: Twisted's global reactor by default.
        groups: Groups of options by their names in `ServerOptions`, such as *listen* or *websocket*, instead of in
            *options*.

    Raises:
        OptionError: If an option is not allowed, or given in two ways.
        TypeError: If no group has that name.

    Original: ``TsgcWebSocketHTTPServer``.
    """

    log = Logger()

    def __init__(
        self,
        port: int | None = None,
        *,
        bindings: Iterable[Binding | str] = (),
        options: ServerOptions | None = None,
        reactor: Any = None,
        **groups: Unpack[OptionGroups],
    ) -> None:
        self._reactor = mainloop.default_reactor() if reactor is None else reactor
        self._carrier = Carrier(self._reactor)
        Events.__init__(self, in_pool_of(self._reactor), self.log)
        self._plan = Plan.of(port, bindings, options, groups)
        self._shared = Shared(
            clock=self._reactor, carrier=self._carrier, events=self, options=self._plan.options
        )
        self._resources = Root(self._furnish)
        self._operation = Operation(self._shared, self._resources, self._reactor, lambda: self._plan, self.log)

    # Where, and how.

    @property
    def port(self) -> int | None:
        """The port asked for; None with `bindings`. Set it, in place of those, while the server is stopped."""
        return self._plan.port

    @port.setter
    def port(self, port: int) -> None:
        self._change("port", self._plan.on_port(port))

    @property
    def bindings(self) -> tuple[Binding, ...]:
        """Where to listen; empty for `port` on all interfaces. Set it while the server is stopped."""
        return self._plan.bindings

    @bindings.setter
    def bindings(self, bindings: Iterable[Binding | str]) -> None:
        self._change("bindings", self._plan.on(bindings))

    @property
    def options(self) -> ServerOptions:
        """All options. Set them while the server is stopped."""
        return self._plan.options

    @options.setter
    def options(self, options: ServerOptions) -> None:
        self._change("options", self._plan.under(options))

    @property
    def listening_ports(self) -> tuple[int, ...]:
        """The TCP ports that are listened on now, in the order of the bindings."""
        return tuple(dict.fromkeys(place.port for place in self._operation.places if place.port))

    @property
    def version(self) -> str:
        """The version of sgcws."""
        return VERSION

    # Its life.

    @property
    def active(self) -> bool:
        """
        Whether the server is listening; setting it starts or stops, as `start` and `stop` do.

        Setting it to what it is does nothing. A failure goes to ``on_exception`` and the log.

        Original: ``Active``.
        """
        return self._operation.phase is Phase.RUNNING

    @active.setter
    def active(self, active: bool) -> None:
        self._activate(active)

    @carried
    def start(self) -> Deferred[None]:
        """
        Open all bindings.

        Returns:
            A Deferred that fires when every binding listens and ``on_startup`` has run. Before the reactor runs it
            waits for it. It fails with `ListenError` naming the binding that cannot be had, and then none is open;
            with `LifecycleError` while the server is stopping; with `OptionError` if a description cannot be read;
            with `TLSConfigError` if a file of TLS cannot be used.

        Original: ``Start``.
        """
        return self._operation.start()

    @carried
    def stop(self, timeout: float = STOP_TIMEOUT) -> Deferred[None]:
        """
        Stop accepting, close every WebSocket with 1001, and let HTTP responses end.

        Args:
            timeout: Seconds after which whoever is left is dropped, and handlers that still wait are cancelled.

        Returns:
            A Deferred that fires when all peers are gone and every ``on_disconnect``, then ``on_shutdown``, has run;
            an ``on_shutdown`` that waits longer than 10 s is cancelled.

        Raises:
            ValueError: If *timeout* is negative.

        Original: ``Stop``.
        """
        return self._operation.stop(timeout)

    @carried
    def restart(self) -> Deferred[None]:
        """
        Stop, then start with today's options and bindings; from stopped or failed it is `start`.

        Concurrent calls share one restart; a `stop` meanwhile wins.

        Original: ``ReStart``.
        """
        return self._operation.restart()

    def run(self) -> None:
        """
        Serve in this thread until a signal comes, then stop gracefully; for plain scripts.

        Logging to standard error begins, unless logging has begun.

        Raises:
            ListenError: If a binding cannot be had.
            OptionError: If a description cannot be read.
            TLSConfigError: If a file of TLS cannot be used.
            LifecycleError: If the reactor runs already, or has stopped for good.
        """
        mainloop.run(self, self._reactor)

    def run_in_thread(self) -> None:
        """
        Serve in a background thread, shared by all servers of the process; for programs without a reactor.

        Returns once the server listens. It is stopped at the interpreter's exit, or by `stop`; the thread takes no
        signals. Logging to standard error begins with it, unless logging has begun.

        Raises:
            ListenError: If a binding cannot be had.
            OptionError: If a description cannot be read.
            TLSConfigError: If a file of TLS cannot be used.
            LifecycleError: If the reactor runs in this thread, or has stopped for good.
        """
        mainloop.run_in_thread(self, self._reactor)

    def wait(self, deferred: Deferred[Any], timeout: float | None = None) -> Any:
        """
        Return a Deferred's result, off the reactor's thread.

        Args:
            deferred: What a method returned.
            timeout: Seconds to wait at most; None for ever.

        Raises:
            TimeoutError: If it has not fired by then.
            LifecycleError: On the reactor's thread, or when no reactor runs.
        """
        return self._carrier.wait(deferred, timeout)

    # What it serves.

    @property
    def resources(self) -> Root:
        """
        The root of the `twisted.web` resource tree; ``putChild`` puts any resource in.

        The whole tree works in anybody's ``Site``, too, whether this server itself listens or not.
        """
        return self._resources

    @carried
    def websocket_resource(self) -> WebSocketResource:
        """
        Make a resource whose requests upgrade to this server's WebSocket, for a place in anybody's ``Site``.

        It works, by the options of now, whether this server itself listens or not; `stop` closes its peers all the
        same.
        """
        return WebSocketResource(upgrades(self._shared, self._reactor))

    # As a Twisted service.

    @carried
    def privilegedStartService(self) -> None:
        """
        Open the bindings, before twistd gives up its privileges.

        Raises:
            ListenError: If a binding cannot be had.
            OptionError: If a description cannot be read.
            TLSConfigError: If a file of TLS cannot be used.
        """
        mainloop.raise_now(self._operation.bind())

    @carried
    def startService(self) -> None:
        """Start, as `start` does; a failure goes to ``on_exception`` and the log."""
        super().startService()
        self.start().addErrback(self._service_failed)

    @carried
    def stopService(self) -> Deferred[None]:
        """Stop, as `stop` does."""
        super().stopService()
        return self.stop()

    # How it is done.

    @carried
    def _activate(self, active: bool) -> None:
        done = self.start() if active else self.stop()
        done.addErrback(lambda failure: self.report_failure(None, failure, "active"))

    def _service_failed(self, failure: Failure) -> None:
        if self.running:  # else it was stopped meanwhile, and the start given up for that
            self.report_failure(None, failure, "startService")

    def _change(self, name: str, plan: Plan) -> None:
        phase = self._operation.phase
        if phase not in (Phase.STOPPED, Phase.FAILED):
            raise LifecycleError(f"{name} can be set only while the server is stopped, not {phase.value}")
        self._plan = plan
        self._shared.options = plan.options
        # A tree that serves in somebody else's Site is furnished anew when it is next asked.
        self._resources.fallback = None

    def _furnish(self, root: Root) -> None:
        furnish(root, self._shared, self._reactor)
