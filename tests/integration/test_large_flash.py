"""A guest that programs all of its flash memory: what is stored is what has changed."""

from pathlib import Path

import pytest

from tests.integration.cli_tools import info, ttd, verify
from tests.integration.walks import seen
from ttd.boards.virt import layout
from ttd.host.semihost_files import SemihostFiles
from ttd.recorded import HostSides, RecordedMachine

CODE = bytes.fromhex(
    "13048002"  # li s0, 40
    "b702002037030024"  # 0: li t0, 0x20000000; li t1, 0x24000000
    "b70340009b830304371f0000"  # li t2, 0x400040; li t5, 0x1000
    "23a0720023a05200b382e201e3ea62fe"  # 1: sw t2, (t0); sw t0, (t0); add t0, t0, t5; bltu
    "1304f4ffe31c04fc"  # addi s0, s0, -1; bnez s0, 0b
    "370e1000b75e00009b8e5e552320de01"  # the test finisher: passed
    "6f000000"
)


@pytest.mark.slow
def test_64_mb_of_programmed_flash(tmp_path: Path) -> None:
    (tmp_path / "code").write_bytes(CODE)
    run = tmp_path / "run.ttd"
    image = f"{tmp_path / 'code'}@{layout.RAM_BASE:#x}"
    done = ttd("record", "--board", "virt", "--serial", "null", "-o", run, image)
    assert done.code == 0, done.err
    facts = info(run)
    assert facts["complete"] and facts["snapshots"] > 1
    assert facts["bytes"] < 20 << 20
    assert ": the same" in verify(run)
    goes_back(run, facts["steps"])


def goes_back(run: Path, steps: int) -> None:
    """With memory for a quarter of what is in the flash: its pages are fetched again and again."""
    host = HostSides(snapshot_memory=16 << 20)
    session = RecordedMachine.open(str(run), SemihostFiles(None), host=host)
    places = [steps * part // 7 for part in range(1, 7)]
    states = {}
    for place in places:
        assert session.machine.run(place).step == place
        states[place] = seen(session).hash
    for place in (places[4], places[0], places[5], places[1], places[3], places[2]):
        assert session.timeline.seek(place).step == place
        assert seen(session).hash == states[place]
    session.close()
