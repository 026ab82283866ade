"""Of Unicorn's Python package what a start needs: where its library is, and the names of numbers.

Importing the package would load the library by ctypes, too, find it by `importlib.resources`, and
declare the registers of nine architectures, a tenth of a start.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


@cache
def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None, f"{package} is installed with ttd"
    return Path(spec.origin).parent


def library_of(package: str) -> Path:
    """The shared library that a package brings."""
    return next(_folder(package).glob(f"lib/lib{package}.so*"))


@cache
def constants(name: str) -> ModuleType:
    """A module of Unicorn's package that has nothing but numbers, without the package."""
    spec = spec_from_file_location(f"{__name__}.{name}", _folder("unicorn") / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
