"""What ELF files say of where they come from."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttd.built_from import build_id, commit

HASH = b"3f2a9bc1-dirty\0"
NOTE = struct.pack("<III4s", 4, 20, 3, b"GNU\0") + bytes(range(20))
BASE = 0x20000000


def elf(*sections: tuple[str, int, bytes], symbols: tuple[tuple[str, int, int], ...] = ()) -> bytes:
    """A 32-bit Arm ELF of (name, type, data) sections; symbols are (name, offset in the first
    section, size)."""
    names, table = b"\0", bytes(16)
    for name, offset, size in symbols:
        table += struct.pack("<IIIBBH", len(names), BASE + offset, size, 1, 0, 1)
        names += name.encode() + b"\0"
    parts = [*sections, (".symtab", 2, table), (".strtab", 3, names)]
    labels = b"\0" + b"".join(name.encode() + b"\0" for name, _, _ in parts) + b".shstrtab\0"
    parts.append((".shstrtab", 3, labels))
    body, headers = b"", bytes(40)
    for name, kind, data in parts:
        link, entry = (len(parts) - 1, 16) if kind == 2 else (0, 0)
        address = BASE + len(body) if kind == 1 else 0
        where = 52 + len(body)
        header = (labels.index(name.encode() + b"\0"), kind, 2, address, where, len(data), link)
        headers += struct.pack("<10I", *header, 0, 4, entry)
        body += data + bytes(-len(data) % 4)
    head = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1", 2, 40, 1, 0, 0, 52 + len(body), 0,
                       52, 0, 0, 40, len(parts) + 1, len(parts))  # fmt: skip
    return head + body + headers


def test_build_id() -> None:
    assert build_id(elf((".note.gnu.build-id", 7, NOTE))) == bytes(range(20)).hex()
    assert build_id(elf((".text", 1, b"code"))) is None


@pytest.mark.parametrize("name", ["git_hash", "GIT_COMMIT", "fw_git_version", "kGitSha", "commit"])
def test_commit_in_a_symbol(name: str) -> None:
    assert commit(elf((".rodata", 1, HASH), symbols=((name, 0, len(HASH)),))) == "3f2a9bc1-dirty"


def test_commit_behind_a_pointer() -> None:
    data = struct.pack("<I", BASE + 4) + b"v1.2-3-gabcdef1\0"
    assert commit(elf((".data", 1, data), symbols=(("git_version", 0, 4),))) == "v1.2-3-gabcdef1"


def test_commit_in_a_section_or_a_text() -> None:
    assert commit(elf((".git_hash", 1, HASH))) == "3f2a9bc1-dirty"
    assert commit(elf((".rodata", 1, b"built from git:0123abcd, today\0"))) == "0123abcd"
    assert commit(elf((".rodata", 1, b"GIT_HASH=0123abcd\0"))) == "0123abcd"


def test_what_only_looks_like_one() -> None:
    digits = b"0123456789abcdef\0"
    assert commit(elf((".rodata", 1, digits), symbols=(("digits", 0, 17),))) is None
    date = b"20260101\0"
    assert commit(elf((".rodata", 1, date), symbols=(("git_date", 0, 9),))) is None
    assert commit(b"git:0123abcd") is None
    assert build_id(b":00000001FF\n") is None


@given(st.integers(0, 255), st.data())
def test_damaged_files_say_nothing_worse(byte: int, data: st.DataObject) -> None:
    whole = bytearray(
        elf((".rodata", 1, HASH), (".note.gnu.build-id", 7, NOTE), symbols=(("git", 0, 15),))
    )
    whole[data.draw(st.integers(4, len(whole) - 1))] = byte
    for found in (build_id(bytes(whole)), commit(bytes(whole))):
        assert found is None or found.isprintable()
