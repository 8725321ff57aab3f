"""Promises of `sgcws.net.inherited`: a descriptor of somebody else's is listened on, and left to them."""

from __future__ import annotations

import fcntl
import os
import socket

from twisted.internet.interfaces import IStreamServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock, RaisingMemoryReactor
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from sgcws.net.inherited import InheritedEndpoint


class InheritedEndpointTests(SynchronousTestCase):
    """A pipe stands for the socket: nothing is listened on here."""

    def setUp(self) -> None:
        """Have a descriptor."""
        self.number, other = os.pipe()
        self.addCleanup(os.close, self.number)
        os.close(other)

    def test_interface(self) -> None:
        """It is an endpoint."""
        verifyObject(IStreamServerEndpoint, InheritedEndpoint(MemoryReactorClock(), 0, socket.AF_INET))

    def test_listen(self) -> None:
        """The reactor adopts the descriptor, which waits for nothing then, and stays open; that can be repeated."""
        reactor, factory = MemoryReactorClock(), Factory()
        endpoint = InheritedEndpoint(reactor, self.number, socket.AF_INET)
        for _ in range(2):
            self.successResultOf(endpoint.listen(factory))
        self.assertEqual(reactor.adoptedPorts, [(self.number, socket.AF_INET, factory)] * 2)
        self.assertTrue(fcntl.fcntl(self.number, fcntl.F_GETFL) & os.O_NONBLOCK)

    def test_failure(self) -> None:
        """When it cannot be adopted the Deferred fails, with a descriptor that is not open, too."""
        endpoint = InheritedEndpoint(RaisingMemoryReactor(listenException=OSError("no")), self.number, socket.AF_INET)
        self.failureResultOf(endpoint.listen(Factory()), OSError)
        nobody = os.dup(self.number)
        os.close(nobody)
        endpoint = InheritedEndpoint(MemoryReactorClock(), nobody, socket.AF_INET)
        self.failureResultOf(endpoint.listen(Factory()), OSError)
