"""Seam 8: what a look for plugins leaves behind."""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path

from twisted.plugin import IPlugin, getPlugins
from twisted.trial.unittest import SkipTest, SynchronousTestCase

IGNORED = Path(__file__).parents[2] / ".gitignore"


class DropinCacheTests(SynchronousTestCase):
    """A file that appears beside the plugin."""

    def test_stock(self) -> None:
        """Whoever looks for plugins writes ``dropin.cache`` into their folder."""
        folder = Path(self.mktemp()) / "seam_of_plugins"
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / "some_plugin.py").touch()
        self.patch(sys, "path", [str(folder.parent.absolute()), *sys.path])
        self.patch(sys, "modules", dict(sys.modules))
        invalidate_caches()
        self.assertEqual(list(getPlugins(IPlugin, import_module("seam_of_plugins"))), [])
        self.assertTrue((folder / "dropin.cache").exists())

    def test_ours(self) -> None:
        """Ours lies among the sources, and is not one of them."""
        if not IGNORED.exists():
            raise SkipTest("not a checkout")
        self.assertIn("dropin.cache", IGNORED.read_text().splitlines())
