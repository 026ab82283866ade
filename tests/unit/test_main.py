"""How the command starts."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import ModuleSpec

import pytest

from ttd.__main__ import main


class Interrupted:
    """Somebody presses Ctrl-C while `ttd.cli.main` is being loaded."""

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name == "ttd.cli.main":
            raise KeyboardInterrupt
        return None


def test_ctrl_c_while_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ttd.cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_as_a_module() -> None:
    words = [sys.executable, "-m", "ttd", "boards"]
    done = subprocess.run(words, capture_output=True, check=True, timeout=60)
    assert b"mps2-an385" in done.stdout
