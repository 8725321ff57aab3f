"""A server in operation: its listeners, their states, and the watchdog over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IListeningPort, IReactorTime
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from sgcws.http.root import Root
from sgcws.lifecycle import Lifecycle, Phase
from sgcws.net.descriptors import raise_descriptor_limit
from sgcws.net.listeners import Listeners
from sgcws.options import WatchdogOptions
from sgcws.realtime.farewell import farewell
from sgcws.realtime.shared import Shared
from sgcws.rules.close_codes import GOING_AWAY
from sgcws.rules.places import Place
from sgcws.watchdog import Watchdog
from sgcws.wiring.assembly import assemble
from sgcws.wiring.plan import Plan
from sgcws.wiring.selfcheck import SelfCheck

__all__ = ["STOP_TIMEOUT", "Operation"]

STOP_TIMEOUT = 10.0
"""Seconds that a stop waits for peers before it drops them, and then for ``on_shutdown`` before it cancels it."""


class Operation:
    """
    Starts and stops a server, and keeps it listening.

    Args:
        shared: What all its peers share.
        root: The root of its resource tree.
        reactor: The reactor.
        plan: Returns what the next start goes by.
        log: Where it is told what happens to the listeners.
        raise_limit: Lets the process have more files open, and returns what to log of that, or None.
    """

    def __init__(
        self,
        shared: Shared,
        root: Root,
        reactor: Any,
        plan: Callable[[], Plan],
        log: Logger,
        raise_limit: Callable[[], str | None] = raise_descriptor_limit,
    ) -> None:
        self._shared = shared
        self._root = root
        self._reactor = reactor
        self._plan = plan
        self._log = log
        self._raise_limit = raise_limit
        self._check = SelfCheck(shared, reactor, log)
        self._listeners: Listeners | None = None
        self._places: list[Place] = []
        self._startup: Deferred[None] | None = None
        self._watchdog: Watchdog | None = None
        self._lifecycle = Lifecycle(
            open=lambda: Deferred.fromCoroutine(self._open()),
            close=lambda timeout: Deferred.fromCoroutine(self._close(timeout)),
            started=self._tell_startup,
            stopped=self._tell_shutdown,
            when_running=reactor.callWhenRunning,
            changed=self._changed,
        )

    @property
    def phase(self) -> Phase:
        """Which state the server is in."""
        return self._lifecycle.phase

    @property
    def places(self) -> list[Place]:
        """Where it listens now, in the order of the bindings."""
        return self._places if self.phase in (Phase.STARTING, Phase.RUNNING) else []

    def bind(self) -> Deferred[None]:
        """Open the bindings now, and go no further until `start`; nothing is left to do for a server that runs."""
        return succeed(None) if self.phase is Phase.RUNNING else self._lifecycle.bind()

    def start(self) -> Deferred[None]:
        """Open the bindings, and run ``on_startup``."""
        return self._lifecycle.start().addErrback(self._start_failed)

    def stop(self, timeout: float) -> Deferred[None]:
        """
        Close everything, and run ``on_shutdown``; it stays stopped.

        Raises:
            ValueError: If *timeout* is negative.
        """
        if not timeout >= 0:
            raise ValueError(f"a stop waits 0 seconds or more, not {timeout}")
        if self._watchdog is not None:
            self._watchdog.disarm()
        if self.phase is Phase.STOPPED:
            # In somebody else's Site a server has peers without listening.
            return Deferred.fromCoroutine(self._see_off(timeout))
        return self._lifecycle.stop(timeout)

    def restart(self) -> Deferred[None]:
        """Stop, then start by today's plan."""
        return self._lifecycle.restart(STOP_TIMEOUT).addErrback(self._start_failed)

    # What the lifecycle asks for.

    async def _open(self) -> None:
        if self._listeners is not None:
            await self._listeners.close()
        plan = self._plan()
        endpoints, over_tls = plan.endpoints(self._reactor), plan.over_tls(self._reactor)
        if self._listeners is None and (line := self._raise_limit()):
            self._log.info("{line}", line=line)
        make = assemble(self._shared, self._root, self._reactor, self._check)
        self._listeners = listeners = Listeners(make, self._listener_died, over_tls)
        try:
            await listeners.open(endpoints)
        except BaseException:
            if self._reactor.running:  # else closing would not end, and twistd has to hear of the failure now
                await listeners.close()
            raise
        # Kept, since a dead port cannot be asked any more.
        self._places = [Place(port.getHost(), speaks_tls(port)) for port in listeners.ports()]

    async def _close(self, timeout: float) -> None:
        if self._startup is not None:
            self._startup.cancel()
        if self._listeners is not None:
            await self._listeners.close()
        await self._see_off(timeout)
        await self._check.close()

    async def _see_off(self, timeout: float) -> None:
        await farewell(self._shared.registry, self._reactor, GOING_AWAY, "going away", timeout)

    def _tell_startup(self) -> Deferred[None]:
        self._startup = self._shared.events.on_startup.tell()
        return self._startup or succeed(None)

    def _tell_shutdown(self) -> Deferred[None]:
        return limited(self._shared.events.on_shutdown.tell(), self._reactor, STOP_TIMEOUT)

    def _changed(self, phase: Phase) -> None:
        if phase is Phase.RUNNING:
            for place in dict.fromkeys(map(str, self._places)):  # all interfaces may take two listeners
                self._log.info("listening on {place}", place=place)
            self._arm(self._plan().options.watchdog)
        elif phase is Phase.STOPPED:
            self._log.info("stopped")

    # The watchdog.

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
            probe=lambda: self._check.probe(self.places),
            log=self._log,
        )

    def _listener_died(self) -> None:
        if self._watchdog is not None:
            self._watchdog.listener_died()
        elif self._lifecycle.listener_lost():
            self._log.error("a listener is gone, and there is no watchdog to open it again")

    def _start_failed(self, failure: Failure) -> Failure:
        if self._watchdog is not None:
            self._watchdog.start_failed()
        return failure


def speaks_tls(port: IListeningPort) -> bool:
    """Whether TLS is spoken at *port*, ours or that of an ``ssl:`` description."""
    return isinstance(getattr(port, "factory", None), TLSMemoryBIOFactory)


def limited(waiting: Deferred[None] | None, clock: IReactorTime, timeout: float) -> Deferred[None]:
    """Return a Deferred that fires when *waiting* does, at the latest at the timeout, when *waiting* is cancelled."""
    if waiting is None:
        return succeed(None)
    done: Deferred[None] = Deferred()
    waiting.addBoth(lambda _: None if done.called else done.callback(None))
    done.addTimeout(timeout, clock, onTimeoutCancel=lambda result, _: waiting.cancel())
    return done
