"""Every processor that boards can have, by the name that boards and users give."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from ttd.catalogue import Catalogue
from ttd.cpu.base import CpuModel

FOLDERS = {
    "armv7m": ("cortex-m3", "cortex-m0"),
    "riscv": ("rv64", "rv32"),
    "aarch64": ("aarch64",),
    "x86": ("x86-64",),
}
"""Folder of `ttd/cpu` -> the models that its `MODELS` has."""


def _load(folder: str, name: str) -> CpuModel:
    models: tuple[CpuModel, ...] = import_module(f"ttd.cpu.{folder}").MODELS
    return next(model for model in models if model.name == name)


CPUS: Catalogue[CpuModel] = Catalogue(
    {name: partial(_load, folder, name) for folder, names in FOLDERS.items() for name in names}
)
