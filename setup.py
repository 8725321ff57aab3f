"""What ``setup.cfg`` cannot say: a build takes nothing over from an earlier one."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class FreshBuild(build_py):
    """
    Copies the package into an empty folder.

    setuptools keeps what an earlier build left in ``build/``, so a module that is gone would be installed again.
    """

    def run(self) -> None:
        """Empty the package's folder, and copy."""
        shutil.rmtree(Path(self.build_lib, "sgcws"), ignore_errors=True)
        super().run()


setup(cmdclass={"build_py": FreshBuild})
