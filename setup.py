"""The native parts, built by cffi: `ttd.engine._native` and `ttd.recording._native`. All else is in
pyproject.toml."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig

from setuptools import setup
from setuptools.command.build_ext import build_ext

# Of setuptools, which has to be imported before.
from distutils.command.install_data import install_data  # isort: skip

MANUAL = "share/man/man1"


class BuildNative(build_ext):
    """Says in one sentence what is missing, where a compiler run would end in a traceback."""

    def run(self) -> None:
        compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
        if shutil.which(compiler) is None:
            raise SystemExit(
                f"ttd builds a small native part and found no C compiler ({compiler}): install "
                "one (on Debian: apt-get install gcc libc6-dev) and try again."
            )
        if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
            raise SystemExit(
                "ttd builds a small native part and found no Python.h: install Python's headers "
                "(on Debian: apt-get install python3-dev) and try again."
            )
        super().run()


class InstallManual(install_data):
    """Makes the manual page of the commands that it is about."""

    def run(self) -> None:
        base = self.get_finalized_command("build").build_base
        os.makedirs(base, exist_ok=True)
        path = os.path.join(base, "ttd.1")
        release = self.distribution.get_version()
        with open(path, "wb") as file:
            command = [sys.executable, "-m", "ttd.cli.manpage", release]
            subprocess.run(command, stdout=file, check=True)
        self.data_files = [(MANUAL, [path])]
        super().run()


# The native part is made for the limited API, and one wheel does for every later Python; those
# without a GIL have no limited API.
LIMITED = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    cffi_modules=["ttd/engine/build_native.py:ffi", "ttd/recording/build_native.py:ffi"],
    cmdclass={"build_ext": BuildNative, "install_data": InstallManual},
    data_files=[(MANUAL, [])],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED else {},
)
