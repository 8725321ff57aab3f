"""`WebSocketHTTPServer`: one object, one port. It wires the rooms together and holds no rule of its own."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from sgcws import mainloop
from sgcws.carrier import Carrier, carried
from sgcws.errors import LifecycleError
from sgcws.events import Events
from sgcws.http.root import Root
from sgcws.lifecycle import Phase
from sgcws.options import (
    HTTPOptions,
    ListenOptions,
    SecurityOptions,
    ServerOptions,
    WatchdogOptions,
    WebSocketOptions,
)
from sgcws.realtime.broadcast import broadcast, ping_all
from sgcws.realtime.farewell import say_goodbye
from sgcws.realtime.registry import Connections
from sgcws.realtime.shared import Shared
from sgcws.rules.close_codes import check_close
from sgcws.values import Binding
from sgcws.version import VERSION
from sgcws.websocket import WebSocketResource
from sgcws.wiring.assembly import furnish, upgrades
from sgcws.wiring.operation import STOP_TIMEOUT, Operation
from sgcws.wiring.plan import Plan

__all__ = ["WebSocketHTTPServer"]


class _NotGiven(enum.Enum):
    NOT_GIVEN = "not given"


NOT_GIVEN = _NotGiven.NOT_GIVEN


class WebSocketHTTPServer(Events, Service):
    """
    A server for HTTP/1.1, WebSocket and raw TCP on one port.

    Its events are attributes, see `Events`. It is a Twisted service: ``setServiceParent`` puts it into an application.
    Every method may be called from any thread; a Deferred is waited for with `wait` there.

    Args:
        port: The port on all interfaces, IPv4 and IPv6; 0 lets the system choose. 8080 if no *bindings* are given.
        bindings: Where to listen instead: Twisted endpoint descriptions or `Binding` values.
        options: All options in one value.
        reactor: Twisted's global reactor by default.
        listen: This group of options, instead of in *options*; so are the next four.
        websocket: How messages are taken in and sent.
        http: How HTTP requests are answered.
        security: Whose pages may connect.
        watchdog: What to do when the listener dies; None for nothing.

    Raises:
        OptionError: If an option is not allowed, or given in two ways.

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
        listen: ListenOptions | _NotGiven = NOT_GIVEN,
        websocket: WebSocketOptions | _NotGiven = NOT_GIVEN,
        http: HTTPOptions | _NotGiven = NOT_GIVEN,
        security: SecurityOptions | _NotGiven = NOT_GIVEN,
        watchdog: WatchdogOptions | _NotGiven | None = NOT_GIVEN,
    ) -> None:
        self._reactor = mainloop.default_reactor() if reactor is None else reactor
        self._carrier = Carrier(self._reactor)
        Events.__init__(self, self._in_pool, self.log)
        groups = {"listen": listen, "websocket": websocket, "http": http, "security": security, "watchdog": watchdog}
        given = {name: group for name, group in groups.items() if group is not NOT_GIVEN}
        self._plan = Plan.of(port, bindings, options, given)
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
            with `LifecycleError` while the server is stopping; with `OptionError` if a description cannot be read.

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

    # Its peers.

    @property
    def connections(self) -> Connections:
        """The peers that can take messages, by guid: a read-only mapping, safe to iterate while it changes."""
        return Connections(self._shared.registry)

    @carried
    def write_data(self, guid: str, data: str | bytes) -> bool:
        """
        Send one message to one peer.

        Args:
            guid: Whom.
            data: ``str`` goes out as a text message, ``bytes`` as binary.

        Returns:
            Whether it was taken; False if no live peer has that guid.

        Original: ``WriteData``.
        """
        peer = self._shared.registry.get(guid)
        return peer is not None and peer.write_data(data)

    @carried
    def broadcast(
        self,
        data: str | bytes,
        *,
        protocol: str | None = None,
        include: str | Iterable[str] | None = None,
        exclude: str | Iterable[str] = (),
    ) -> int:
        """
        Send the same message to every peer that passes all filters.

        Args:
            data: ``str`` goes out as a text message, ``bytes`` as binary; encoded once.
            protocol: Only peers that speak this sub-protocol.
            include: Only these guids; an iterable, or one string with commas or semicolons. None is no restriction,
                an empty one is nobody.
            exclude: Never these guids.

        Returns:
            How many peers took it. One that fails goes to ``on_exception`` and stops nobody.

        Original: ``Broadcast``.
        """
        return broadcast(self._shared.registry, data, protocol, include, exclude)

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

    def _in_pool(self, function: Any, *args: Any) -> Deferred[Any]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), function, *args)
