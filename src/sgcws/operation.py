"""A server in operation: its listeners, their states, and the watchdog over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger
from twisted.python.failure import Failure

from sgcws.assembly import assemble
from sgcws.http.root import Root
from sgcws.lifecycle import Lifecycle, Phase
from sgcws.net.bindings import endpoints_for
from sgcws.net.listeners import Listeners
from sgcws.options import ServerOptions, WatchdogOptions
from sgcws.realtime.farewell import farewell
from sgcws.realtime.shared import Shared
from sgcws.rules.close_codes import GOING_AWAY
from sgcws.selfcheck import SelfCheck
from sgcws.values import Binding
from sgcws.watchdog import Watchdog

__all__ = ["STOP_TIMEOUT", "Operation", "Plan"]

STOP_TIMEOUT = 10.0
"""Seconds that a stop waits for peers before it drops them."""


@attrs.frozen
class Plan:
    """
    Where to listen, and how: what the next start goes by.

    Args:
        bindings: Where.
        options: How.
    """

    bindings: tuple[Binding, ...]
    options: ServerOptions


class Operation:
    """
    Starts and stops a server, and keeps it listening.

    Args:
        shared: What all its peers share.
        root: The root of its resource tree.
        reactor: The reactor.
        plan: Returns what the next start goes by.
        log: Where the watchdog reports.
    """

    def __init__(self, shared: Shared, root: Root, reactor: Any, plan: Callable[[], Plan], log: Logger) -> None:
        self._shared = shared
        self._root = root
        self._reactor = reactor
        self._plan = plan
        self._log = log
        self._listeners: Listeners | None = None
        self._check: SelfCheck | None = None
        self._watchdog: Watchdog | None = None
        events = shared.events
        self._lifecycle = Lifecycle(
            open=lambda: Deferred.fromCoroutine(self._open()),
            close=lambda timeout: Deferred.fromCoroutine(self._close(timeout)),
            started=lambda: events.on_startup.tell() or succeed(None),
            stopped=lambda: events.on_shutdown.tell() or succeed(None),
            when_running=reactor.callWhenRunning,
            changed=self._changed,
        )

    @property
    def phase(self) -> Phase:
        """Which state the server is in."""
        return self._lifecycle.phase

    def ports(self) -> list[IListeningPort]:
        """Return the listening ports, in the order of the bindings."""
        return [] if self._listeners is None else self._listeners.ports()

    def bind(self) -> Deferred[None]:
        """Open the bindings now, and go no further until `start`."""
        return self._lifecycle.bind()

    def start(self) -> Deferred[None]:
        """Open the bindings, and run ``on_startup``."""
        return self._lifecycle.start().addErrback(self._start_failed)

    def stop(self, timeout: float) -> Deferred[None]:
        """Close everything, and run ``on_shutdown``; it stays stopped."""
        if self._watchdog is not None:
            self._watchdog.disarm()
        return self._lifecycle.stop(timeout)

    def restart(self) -> Deferred[None]:
        """Stop, then start by today's plan."""
        return self._lifecycle.restart(STOP_TIMEOUT).addErrback(self._start_failed)

    async def _open(self) -> None:
        if self._listeners is not None:
            await self._listeners.close()
        plan = self._plan()
        self._check = SelfCheck(self._shared, plan.options, self._reactor, self._log)
        make = assemble(self._shared, plan.options, self._root, self._reactor, self._check)
        self._listeners = Listeners(make, self._listener_died)
        backlog = plan.options.listen.backlog
        await self._listeners.open(
            [(binding, place) for binding in plan.bindings for place in endpoints_for(self._reactor, binding, backlog)]
        )

    async def _close(self, timeout: float) -> None:
        if self._listeners is not None:
            await self._listeners.close()
        await farewell(self._shared.registry, self._reactor, GOING_AWAY, "going away", timeout)

    # The watchdog.

    def _changed(self, phase: Phase) -> None:
        if phase is Phase.RUNNING:
            self._arm(self._plan().options.watchdog)
        elif phase is Phase.STOPPED and self._watchdog is not None:
            self._watchdog.disarm()

    def _arm(self, options: WatchdogOptions | None) -> None:
        if self._watchdog is not None and self._watchdog.options is not options:
            self._watchdog.disarm()
            self._watchdog = None
        if self._watchdog is None and options is not None:
            self._watchdog = self._watchdog_for(options)
        if self._watchdog is not None:
            self._watchdog.arm()

    def _watchdog_for(self, options: WatchdogOptions) -> Watchdog:
        return Watchdog(
            self._reactor,
            options,
            listening=lambda: self._listeners is not None and self._listeners.alive(),
            lost=self._lifecycle.listener_lost,
            revive=self._lifecycle.revive,
            restart=lambda: self._lifecycle.restart(STOP_TIMEOUT),
            probe=lambda timeout: self._probe(),
            log=self._log,
        )

    def _probe(self) -> Deferred[None]:
        ports = self.ports()
        return self._check.probe(ports[0].getHost()) if ports and self._check is not None else succeed(None)

    def _listener_died(self) -> None:
        if self._watchdog is not None:
            self._watchdog.listener_died()
        else:
            self._lifecycle.listener_lost()

    def _start_failed(self, failure: Failure) -> Failure:
        if self._watchdog is not None:
            self._watchdog.start_failed()
        return failure
