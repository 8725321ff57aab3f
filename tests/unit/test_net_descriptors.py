"""Promises of `sgcws.net.descriptors`: we may open as many files as the system allows, and the log says how many."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import sgcws.net
from sgcws.net.descriptors import ENOUGH, LITTLE, raise_descriptor_limit


class System:
    """
    A module `resource` with limits of its own.

    Args:
        soft: The soft limit.
        hard: The hard limit.
        most: What it lets a soft limit be, whatever the hard one; None for anything.
        error: What it raises beyond that.
    """

    RLIMIT_NOFILE = 7
    RLIM_INFINITY = -1

    def __init__(self, soft: int, hard: int, most: int | None = None, error: type[Exception] = ValueError) -> None:
        self.limits = soft, hard
        self.most = most
        self.error = error

    def getrlimit(self, number: int) -> tuple[int, int]:
        """Return the limits."""
        assert number == self.RLIMIT_NOFILE
        return self.limits

    def setrlimit(self, number: int, limits: tuple[int, int]) -> None:
        """Change the soft limit."""
        assert number == self.RLIMIT_NOFILE and limits[1] == self.limits[1]
        if self.most is not None and limits[0] > self.most:
            raise self.error
        self.limits = limits


class DescriptorTests(SynchronousTestCase):
    """The soft limit, and what is said of it."""

    def test_raised(self) -> None:
        """The soft limit becomes the hard one, which stays as it is."""
        system = System(1024, 20000)
        self.assertEqual(raise_descriptor_limit(system), "open files: 1024 -> 20000")
        self.assertEqual(system.limits, (20000, 20000))
        self.assertEqual(raise_descriptor_limit(system), "open files: 20000")

    def test_without_limit(self) -> None:
        """Where there is no hard limit it becomes a large one; where there is none at all nothing is changed."""
        system = System(1024, System.RLIM_INFINITY)
        self.assertEqual(raise_descriptor_limit(system), f"open files: 1024 -> {ENOUGH}")
        self.assertEqual(system.limits, (ENOUGH, System.RLIM_INFINITY))
        self.assertEqual(raise_descriptor_limit(system), f"open files: {ENOUGH}")
        system = System(System.RLIM_INFINITY, System.RLIM_INFINITY)
        self.assertEqual(raise_descriptor_limit(system), "open files: no limit")
        self.assertEqual(system.limits, (System.RLIM_INFINITY, System.RLIM_INFINITY))

    def test_never_lowered(self) -> None:
        """A soft limit that is higher than what would be set stays."""
        system = System(2 * ENOUGH, System.RLIM_INFINITY)
        self.assertEqual(raise_descriptor_limit(system), f"open files: {2 * ENOUGH}")
        self.assertEqual(system.limits, (2 * ENOUGH, System.RLIM_INFINITY))

    def test_refused(self) -> None:
        """A system that does not go that far is asked for less, and what it refuses is no failure."""
        for error in (ValueError, OSError):
            system = System(256, System.RLIM_INFINITY, most=LITTLE, error=error)
            self.assertEqual(raise_descriptor_limit(system), f"open files: 256 -> {LITTLE}")
            system = System(256, 512, most=256, error=error)
            self.assertEqual(raise_descriptor_limit(system), "open files: 256; the system refuses more")
            self.assertEqual(system.limits, (256, 512))

    def test_no_such_thing(self) -> None:
        """Where there is no such module there is nothing to do or to say."""
        self.assertIsNone(raise_descriptor_limit(None))

    def test_real(self) -> None:
        """A process that may have 100 descriptors has as many as its hard limit says afterwards."""
        if sys.platform == "win32":
            raise SkipTest("there is no such limit")
        program = (
            "import resource\n"
            "from sgcws.net.descriptors import raise_descriptor_limit\n"
            "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))\n"
            "print(raise_descriptor_limit())\n"
            "print(*resource.getrlimit(resource.RLIMIT_NOFILE))\n"
        )
        source = str(Path(sgcws.net.__file__).parent.parent.parent)
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={"PYTHONPATH": source},
        )
        self.assertEqual(done.stdout, "open files: 100 -> 200\n200 200\n")
