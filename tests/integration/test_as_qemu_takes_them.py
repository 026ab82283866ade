"""Command lines and programs that QEMU takes: places of devices, sizes of memory, sloppy links."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cli_tools import elf, info, ttd, verify

VIRT = ("record", "--board", "virt")
FIRST = ("--device", "virtio-blk-device,drive=x0,bus=virtio-mmio-bus.0")
LEFT_OUT = "begins with its own headers, 4096 bytes for 0x7ffff000, where virt has no memory"


@pytest.fixture
def disk(tmp_path: Path) -> tuple[str, str]:
    """`--drive` with an image of 8 KiB."""
    path = tmp_path / "disk.img"
    path.write_bytes(b"hello from the disk\n".ljust(8192, b"\0"))
    return "--drive", f"file={path},if=none,format=raw,id=x0"


@pytest.mark.parametrize("other", [(), ("--device", "virtio-rng")], ids=["alone", "beside"])
def test_a_driver_that_looks_in_one_place(
    tmp_path: Path, disk: tuple[str, str], other: tuple[str, ...]
) -> None:
    """It accepts no features either. Its ELF begins below memory."""
    path = tmp_path / "run.ttd"
    done = ttd(*VIRT, "-o", path, *disk, *other, *FIRST, elf("first-disk"))
    assert (done.code, done.out) == (0, b"hello from the disk\nHELLO FROM THE DISK\n")
    assert LEFT_OUT in done.err
    assert "the same" in verify(path)
    same = ttd("replay", *other, "--device", FIRST[1], path)
    assert same.code == 0, same.err
    elsewhere = ttd("replay", *other, "--device", FIRST[1].replace(".0", ".1"), path)
    assert elsewhere.code == 2 and "option devices" in elsewhere.err


def test_without_a_bus_the_last_place_is_the_first(tmp_path: Path, disk: tuple[str, str]) -> None:
    path = tmp_path / "run.ttd"
    done = ttd(*VIRT, "-o", path, *disk, "--device", "virtio-blk,drive=x0", elf("first-disk"))
    assert (done.code, done.out) == (1, b"no disk in the first place\n")
    # With seven others before it, that is where it goes.
    others = [word for _ in range(7) for word in ("--device", "virtio-rng")]
    words = (*others, "--device", "virtio-blk,drive=x0")
    done = ttd(*VIRT, "-o", path, "--force", *disk, *words, elf("first-disk"))
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("buses", "says"),
    [
        (("0", "0"), "virtio-mmio-bus.0 has a device already"),
        (("", "7"), "virtio-mmio-bus.7 has a device already"),
        (("8",), "virt has virtio-mmio-bus.0 to 7, but no virtio-mmio-bus.8"),
        (("9" * 5000,), "but no virtio-mmio-bus.9"),
        (("-1",), "but no virtio-mmio-bus.-1"),
    ],
)
def test_no_such_place(tmp_path: Path, buses: tuple[str, ...], says: str) -> None:
    path = tmp_path / "run.ttd"
    devices = []
    for bus in buses:
        place = f",bus=virtio-mmio-bus.{bus}" if bus else ""
        devices += ["--device", f"virtio-rng-device{place}"]
    done = ttd(*VIRT, "-o", path, *devices, elf("first-disk"))
    assert done.code == 2 and says in done.err
    assert not path.exists()


def test_a_bus_is_a_bus(tmp_path: Path) -> None:
    done = ttd(*VIRT, "--device", "virtio-rng,bus=pci.0", elf("first-disk"))
    assert done.code == 2 and "bus is like virtio-mmio-bus.0, not 'pci.0'" in done.err
    done = ttd("record", "--board", "mps2-an385", "--device", "power,bus=x", elf("calls"))
    assert done.code == 2 and "there is no 'bus' here" in done.err


def test_code_and_data_are_not_left_out(tmp_path: Path) -> None:
    """One page more below memory, and what is there is no header."""
    data = bytearray(elf("first-disk").read_bytes())
    for name in (b"\x7f\xff\xf0\x00"[::-1],):
        assert name in data
        data = data.replace(name, b"\x7f\xff\xe0\x00"[::-1])
    path = tmp_path / "low.elf"
    path.write_bytes(data)
    done = ttd(*VIRT, path)
    assert done.code == 2 and "0x7ffff000, where virt has no memory" in done.err


@pytest.mark.parametrize("option", ["--ram", "-m"])
def test_more_memory_than_the_chip_has(tmp_path: Path, option: str) -> None:
    path, image = tmp_path / "run.ttd", elf("wide-ram")
    words = ("record", "--board", "microbit", "--semihosting", "-o", path)
    assert ttd(*words, image).code == 1, "16 KiB are too few"
    done = ttd(*words, "--force", option, "32K", image)
    assert done.code == 0, done.err
    assert info(path)["end"] == "the guest exited with code 0"
    assert "the same" in verify(path)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("microbit", "--ram", "100"), "multiple of 1K up to 16M"),
        (("microbit", "-m", "0"), "multiple of 1K up to 16M"),
        (("microbit", "--ram", "32K", "--ram", "32K"), "is said once"),
        (("microbit", "--ram", "32K", "-m", "32K"), "is said once"),
        (("microbit", "--ram", "0:32K"), "--ram ADDRESS:SIZE is for raw"),
        (("microbit", "--ram", "much"), "--ram is a size"),
        (("mps2-an385", "--ram", "32K"), "the memory of mps2-an385 has one size"),
        (("virt", "--ram", "3M"), "multiple of 2M"),
    ],
)
def test_no_such_size(words: tuple[str, ...], says: str) -> None:
    done = ttd("record", "--board", *words, elf("wide-ram"))
    assert done.code == 2 and says in done.err
