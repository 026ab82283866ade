"""ttd as pip installs it: a wheel for every Python of a platform, with the manual page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.integration.cli_tools import ROOT, elf

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of what is, or could be, committed: a build leaves files behind."""
    folder = tmp_path_factory.mktemp("wheel")
    words = ["git", "ls-files", "-co", "--exclude-standard", "*.toml", "setup.py", "ttd"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split():
        if (ROOT / name).exists():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / "source" / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "-w", folder, folder / "source"]
    subprocess.run(build, check=True)
    (made,) = folder.glob("*.whl")
    return made


def test_one_wheel_does_for_every_python(wheel: Path) -> None:
    assert wheel.name.split("-")[2:4] == ["cp311", "abi3"]
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    native = [name for name in names if name.endswith(".so")]
    assert native == ["ttd/engine/_native.abi3.so", "ttd/recording/_native.abi3.so"]


def test_it_runs(wheel: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    target = tmp_path / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--target", target, wheel], check=True)

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(target)},
            capture_output=True,
            text=True,
            check=True,
        )

    assert run("ttd.gdb").stdout.startswith(str(target))
    done = run("ttd", "record", "--board", "mps2-an385", "--semihosting", elf("calls"))
    assert "recorded in calls.ttd" in done.stderr
    page = target / "share/man/man1/ttd.1"
    assert '.SS "ttd record"' in page.read_text()
