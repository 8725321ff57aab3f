"""twistd finds the plugin, and pays nothing for it until it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

import sgcws
from sgcws import tap

IMPORT = """
import sys
from twisted.plugins.sgcws_plugin import sgcws
print(sgcws.tapname, *(name for name in sys.modules if name.split('.')[0] in ('sgcws', 'autobahn')))
"""


class PluginTests(SynchronousTestCase):
    """The plugin ``sgcws`` of twistd."""

    def test_found(self) -> None:
        """Twisted lists exactly one plugin of that name, and it leads to `sgcws.tap`."""
        (maker,) = [maker for maker in getPlugins(IServiceMaker) if maker.tapname == "sgcws"]
        verifyObject(IServiceMaker, maker)
        self.assertEqual(maker.description, "HTTP and WebSocket server on one port")
        self.assertIs(maker.options, tap.Options)
        self.assertIs(maker.makeService, tap.makeService)

    def test_light(self) -> None:
        """Importing the plugin imports nothing of sgcws: every ``twistd --help`` of the machine does it."""
        source = str(Path(sgcws.__file__).parent.parent)
        command = [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {source!r})\n{IMPORT}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        self.assertEqual(done.stdout, "sgcws\n")
