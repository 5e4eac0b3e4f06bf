"""Everything about the package is in pyproject.toml; this adds the folder conf/ to it, which lies beside it here."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithConf(build_py):
    """Copies conf/ into the package that is built; an editable installation finds it where it is."""

    def run(self) -> None:
        """Build as ever, then add conf/."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "alpacabench" / "conf"
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree("conf", target)


setup(cmdclass={"build_py": WithConf})
