"""The native part: `ttd.engine._native`, built by cffi. All else is in pyproject.toml."""

from __future__ import annotations

import os
import shlex
import shutil
import sysconfig

from setuptools import setup
from setuptools.command.build_ext import build_ext


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


setup(
    cffi_modules=["ttd/engine/build_native.py:ffi"],
    cmdclass={"build_ext": BuildNative},
)
