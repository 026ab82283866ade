"""What the engine takes for granted about Unicorn, each fact alone on plain Unicorn.

A new release of Unicorn that fails here needs a look at the native part of `ttd/engine` first.
"""

from __future__ import annotations

import ctypes
import struct
from pathlib import Path
from typing import Any

import pytest
import unicorn
from unicorn import Uc, UcError
from unicorn import arm_const as arm
from unicorn import unicorn_const as uc

RAM, DEVICE = 0x20000000, 0x40000000
R0, R1, R4 = arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R4
PC, XPSR, CONTROL = arm.UC_ARM_REG_PC, arm.UC_ARM_REG_XPSR, arm.UC_ARM_REG_CONTROL
IT_BITS = 0x0600FC00
Z, T = 1 << 30, 1 << 24
ITT_EQ = 0xBF04


def machine(*code: int, flags: int = 0) -> Uc:
    """Halfwords at RAM, a device, exits enabled and none set."""
    cpu = Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB)
    cpu.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M3)
    cpu.mem_map(RAM, 0x2000)
    cpu.mem_write(RAM, struct.pack(f"<{len(code)}H", *code))
    cpu.ctl_exits_enabled(True)
    cpu.ctl_set_exits([])
    cpu.reg_write(XPSR, T | flags)
    cpu.reg_write(R4, DEVICE)
    return cpu


def start(cpu: Uc, address: int = RAM) -> None:
    cpu.emu_start(address | 1, 0)


def with_device(cpu: Uc, seen: list[tuple[Any, ...]]) -> Uc:
    """A device whose permissions are taken away; each access goes to the PROT hooks first."""
    cpu.mmio_map(
        DEVICE, 0x1000,
        lambda _uc, offset, size, _: seen.append(("r", offset, size)) or 0x1234,
        None,
        lambda _uc, offset, size, value, _: seen.append(("w", offset, size, value)),
        None,
    )  # fmt: skip
    cpu.mem_protect(DEVICE, 0x1000, uc.UC_PROT_NONE)
    return cpu


def prot_hook(cpu: Uc, seen: list[tuple[Any, ...]], allow: bool = True, stop: bool = False) -> None:
    def hook(_uc: Uc, access: int, address: int, size: int, value: int, _: Any) -> bool:
        pc, it = cpu.reg_read(PC), cpu.reg_read(XPSR) & IT_BITS
        seen.append(("prot", pc, it, address, size))
        if stop:
            cpu.emu_stop()
        return allow

    kinds = uc.UC_HOOK_MEM_READ_PROT | uc.UC_HOOK_MEM_WRITE_PROT
    cpu.hook_add(kinds, hook, None, DEVICE, DEVICE + 0xFFF)


def virtual_tlb(cpu: Uc, fill: Any) -> None:
    cpu.ctl_set_tlb_mode(uc.UC_TLB_VIRTUAL)
    cpu.hook_add(uc.UC_HOOK_TLB_FILL, fill)


def flush_tlb(cpu: Uc) -> None:
    """UC_CTL_TLB_FLUSH, which the Python binding does not wrap."""
    library = ctypes.CDLL(str(next(Path(unicorn.__file__).parent.glob("lib/libunicorn.so*"))))
    assert library.uc_ctl(cpu._uch, ctypes.c_uint32(uc.UC_CTL_TLB_FLUSH | 1 << 30)) == 0


# -- stopping ------------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(1, 6))
def test_an_exit_stops_in_the_middle_of_a_block_and_of_an_it_block(index: int) -> None:
    cpu = machine(0xBF01, 0x2001, 0x3001, 0x3002, 0x3003, 0xBF00, 0xBE00, flags=Z)
    cpu.ctl_set_exits([RAM + 12])
    start(cpu)  # translated whole, once
    address = RAM + 2 * index
    cpu.reg_write(XPSR, T | Z)
    cpu.ctl_set_exits([address])
    cpu.ctl_remove_cache(address, address + 2)
    start(cpu)
    assert cpu.reg_read(PC) == address
    it = cpu.reg_read(XPSR) & IT_BITS
    assert bool(it) == (index < 5)
    cpu.ctl_set_exits([RAM + 10])
    cpu.ctl_remove_cache(RAM + 10, RAM + 12)
    start(cpu, address)  # the IT state is taken up again
    assert (cpu.reg_read(PC), cpu.reg_read(R0)) == (RAM + 10, 7)


def test_the_block_that_an_exit_cut_is_dropped_by_unicorn() -> None:
    cpu = machine(0x3001, 0x3001, 0xBF30)
    cpu.ctl_set_exits([RAM + 2])
    start(cpu)
    cpu.ctl_set_exits([])
    start(cpu)
    assert (cpu.reg_read(PC), cpu.reg_read(R0)) == (RAM + 6, 3)


def test_the_block_hook_comes_before_the_block_with_its_size() -> None:
    cpu = machine(0x3001, 0xE7FD)
    blocks: list[tuple[int, int, int]] = []

    def block(_uc: Uc, address: int, size: int, _: Any) -> None:
        blocks.append((address, size, cpu.reg_read(R0)))
        if len(blocks) == 3:
            cpu.emu_stop()

    cpu.hook_add(uc.UC_HOOK_BLOCK, block)
    start(cpu)
    assert blocks == [(RAM, 4, 0), (RAM, 4, 1), (RAM, 4, 2)]
    assert (cpu.reg_read(PC), cpu.reg_read(R0)) == (RAM, 2)


def test_wfi_returns_with_pc_after_it() -> None:
    cpu = machine(0x3001, 0xBF30, 0x3001)
    start(cpu)
    assert (cpu.reg_read(PC), cpu.reg_read(R0)) == (RAM + 4, 1)


@pytest.mark.parametrize("hint", [0xBF20, 0xBF10])
def test_wfe_and_yield_are_invalid_with_pc_after_them(hint: int) -> None:
    cpu = machine(hint, 0x3001)
    with pytest.raises(UcError) as error:
        start(cpu)
    assert error.value.errno == uc.UC_ERR_INSN_INVALID
    assert cpu.reg_read(PC) == RAM + 2


@pytest.mark.parametrize(
    "insn, number, pc", [(0xDF01, 2, RAM + 4), (0xBE00, 7, RAM + 2), (0x4708, 8, None)]
)
def test_exceptions_surface_as_interrupts(insn: int, number: int, pc: int | None) -> None:
    cpu = machine(0xBF00, insn)
    cpu.reg_write(R1, 0xFFFFFFF9)  # for bx r1: an exception return, known as one in a handler
    cpu.reg_write(XPSR, T | (15 if number == 8 else 0))
    cpu.reg_write(arm.UC_ARM_REG_APSR_NZCV, 0)
    numbers: list[int] = []

    def interrupt(_uc: Uc, seen: int, _: Any) -> None:
        numbers.append(seen)
        cpu.emu_stop()

    cpu.hook_add(uc.UC_HOOK_INTR, interrupt)
    start(cpu)
    assert numbers == [number]
    assert cpu.reg_read(PC) == pc if pc else cpu.reg_read(PC) >= 0xFFFFFFE0


# -- trapped accesses ----------------------------------------------------------------------


def test_a_device_without_permissions_asks_the_prot_hook_with_exact_pc() -> None:
    cpu = machine(0xBF00, 0x6820, 0x6060, 0x6820, 0xBF30)
    seen: list[tuple[Any, ...]] = []
    prot_hook(with_device(cpu, seen), seen)
    start(cpu)
    assert seen == [
        ("prot", RAM + 2, 0, DEVICE, 4), ("r", 0, 4),
        ("prot", RAM + 4, 0, DEVICE + 4, 4), ("w", 4, 4, 0x1234),
        ("prot", RAM + 6, 0, DEVICE, 4), ("r", 0, 4),
    ]  # fmt: skip


def test_the_prot_hook_sees_exact_it_bits_and_leaves_them_behind() -> None:
    """They are stale once the block goes on: the next block would be taken for an IT block."""
    cpu = machine(ITT_EQ, 0x6820, 0x6820, 0xBF30, flags=Z)
    seen: list[tuple[Any, ...]] = []
    prot_hook(with_device(cpu, seen), seen)
    start(cpu)
    accesses = [s for s in seen if s[0] == "prot"]
    assert [(s[1], s[2]) for s in accesses] == [(RAM + 2, 0x0000_0400), (RAM + 4, 0x0000_0800)]
    assert cpu.reg_read(XPSR) & IT_BITS == 0x0000_0800


@pytest.mark.parametrize("it", [False, True])
def test_a_refused_load_leaves_at_once(it: bool) -> None:
    cpu = machine(ITT_EQ if it else 0xBF00, 0x6820, 0x3101, 0xBF30, flags=Z)
    prot_hook(with_device(cpu, []), [], allow=False)
    with pytest.raises(UcError):
        start(cpu)
    assert (cpu.reg_read(PC), cpu.reg_read(R0), cpu.reg_read(R1)) == (RAM + 2, 0, 0)
    assert bool(cpu.reg_read(XPSR) & IT_BITS) == it


def test_a_refused_store_leaves_at_once_but_not_in_an_it_block() -> None:
    cpu = machine(0xBF00, 0x6020, 0x3101, 0xBF30)
    seen: list[tuple[Any, ...]] = []
    prot_hook(with_device(cpu, seen), seen, allow=False, stop=True)
    with pytest.raises(UcError):
        start(cpu)
    assert (cpu.reg_read(PC), cpu.reg_read(R1), len(seen)) == (RAM + 2, 0, 1)

    cpu = machine(ITT_EQ, 0x6020, 0x3101, 0xBF30, flags=Z)
    prot_hook(with_device(cpu, []), [], allow=False, stop=True)
    with pytest.raises(UcError):
        start(cpu)
    assert cpu.reg_read(R1) == 1  # the rest of the IT block ran


def test_an_unaligned_store_comes_whole_and_then_byte_by_byte() -> None:
    cpu = machine(0xF8C4, 0x0001, 0xBF30)  # str.w r0, [r4, #1]
    seen: list[tuple[Any, ...]] = []
    prot_hook(with_device(cpu, seen), seen)
    start(cpu)
    assert [s[3:] for s in seen if s[0] == "prot"] == [
        (DEVICE + 1, 4), *((DEVICE + 1 + i, 1) for i in range(4))
    ]  # fmt: skip


def test_stores_where_nothing_can_be_written_are_asked_about_each_time() -> None:
    """Also where they are allowed. Loads from there are not, nor is the page filled again."""
    cpu = machine(0x6020, 0x6821, 0x3001, 0x6020, 0x6822, 0xBF30)  # str, ldr, adds, str, ldr
    cpu.mem_map(DEVICE, 0x1000, uc.UC_PROT_READ)
    seen: list[tuple[Any, ...]] = []
    fills: list[int] = []
    prot_hook(cpu, seen)

    def fill(_uc: Uc, address: int, access: int, entry: Any, _: Any) -> bool:
        fills.append(address)
        code = access == uc.UC_MEM_FETCH
        entry.paddr = address
        entry.perms = uc.UC_PROT_EXEC if code else uc.UC_PROT_READ | uc.UC_PROT_WRITE
        return True

    virtual_tlb(cpu, fill)
    start(cpu)
    assert [s[1:] for s in seen] == [(RAM, 0, DEVICE, 4), (RAM + 6, 0, DEVICE, 4)]
    assert fills.count(DEVICE) == 1


def test_the_second_page_of_an_unaligned_load_is_not_asked_for() -> None:
    """Why a device gives nothing then, and the page before one that is split is trapped."""
    cpu = machine(0xF8D4, 0x0FFE, 0xBF30)  # ldr.w r0, [r4, #0xffe]
    cpu.mem_map(DEVICE - 0x1000, 0x1000)
    seen: list[tuple[Any, ...]] = []
    prot_hook(with_device(cpu, seen), seen)
    cpu.reg_write(R4, DEVICE - 0x1000)
    start(cpu)
    assert [s[0] for s in seen] == ["r"]


def test_a_double_load_loses_its_base_before_the_second_access() -> None:
    cpu = machine(0xE9D1, 0x1000, 0xBF30)  # ldrd r1, r0, [r1]
    cpu.mem_write(RAM + 0x1FFC, b"\x11\x22\x33\x44")
    cpu.reg_write(R1, RAM + 0x1FFC)
    with pytest.raises(UcError):
        start(cpu)
    assert cpu.reg_read(R1) == 0x44332211


# -- the virtual TLB -----------------------------------------------------------------------


def test_the_fill_callback_is_asked_once_per_page_and_kind() -> None:
    cpu = machine(0x6808, 0x6808, 0x6008, 0x6008, 0xBF30)
    cpu.reg_write(R1, RAM + 0x400)
    fills: list[tuple[int, int]] = []

    def fill(_uc: Uc, address: int, access: int, entry: Any, _: Any) -> bool:
        fills.append((address, access))
        entry.paddr = address
        entry.perms = {uc.UC_MEM_READ: uc.UC_PROT_READ, uc.UC_MEM_FETCH: uc.UC_PROT_EXEC}.get(
            access, uc.UC_PROT_READ | uc.UC_PROT_WRITE
        )
        return True

    virtual_tlb(cpu, fill)
    start(cpu)
    data = RAM + 0x400
    expected = [(RAM, uc.UC_MEM_FETCH), (data, uc.UC_MEM_READ), (data, uc.UC_MEM_WRITE)]
    assert fills == expected
    start(cpu)
    assert fills == expected
    flush_tlb(cpu)
    start(cpu)
    assert fills == expected * 2


def test_a_refused_fill_is_exact() -> None:
    cpu = machine(ITT_EQ, 0x3001, 0x6008, 0xBF30, flags=Z)
    cpu.reg_write(R1, RAM + 0x400)

    def fill(_uc: Uc, address: int, access: int, entry: Any, _: Any) -> bool:
        entry.paddr, entry.perms = address, uc.UC_PROT_EXEC | uc.UC_PROT_READ
        return access == uc.UC_MEM_FETCH

    virtual_tlb(cpu, fill)
    with pytest.raises(UcError) as error:
        start(cpu)
    assert error.value.errno == uc.UC_ERR_EXCEPTION
    assert (cpu.reg_read(PC), cpu.reg_read(R0)) == (RAM + 4, 1)
    assert cpu.reg_read(XPSR) & IT_BITS == 0x0000_0800


def test_pages_of_an_m_profile_cpu_are_1_kib() -> None:
    assert machine().ctl_get_page_size() == 1024


# -- translated code -----------------------------------------------------------------------


def test_guest_stores_drop_translated_code_and_api_writes_do_not() -> None:
    cpu = machine(0x8008, 0xBF30, 0x2001, 0xBF30)  # strh r0, [r1]; wfi; movs r0, #1; wfi
    cpu.reg_write(R1, RAM + 4)
    start(cpu, RAM + 4)
    assert cpu.reg_read(R0) == 1
    cpu.mem_write(RAM + 4, struct.pack("<H", 0x2002))
    start(cpu, RAM + 4)
    assert cpu.reg_read(R0) == 1
    cpu.ctl_remove_cache(RAM + 4, RAM + 6)
    start(cpu, RAM + 4)
    assert cpu.reg_read(R0) == 2
    cpu.reg_write(R0, 0x2003)
    start(cpu)
    start(cpu, RAM + 4)
    assert cpu.reg_read(R0) == 3


def test_masks_end_their_block() -> None:
    cpu = machine(0xB672, 0x3001, 0xF380, 0x8810, 0x3001, 0xBF30)
    starts: list[int] = []
    cpu.hook_add(uc.UC_HOOK_BLOCK, lambda _uc, address, size, _: starts.append(address - RAM))
    start(cpu)
    assert starts == [0, 2, 8]


# -- registers and contexts ----------------------------------------------------------------


def test_unprivileged_reads_of_special_registers_give_0() -> None:
    cpu = machine()
    special = (arm.UC_ARM_REG_MSP, arm.UC_ARM_REG_PSP, arm.UC_ARM_REG_BASEPRI)
    for register in special:
        cpu.reg_write(register, 0x40)
    cpu.reg_write(CONTROL, 1)
    assert [cpu.reg_read(r) for r in special] == [0, 0, 0]
    cpu.reg_write(XPSR, T | 3)  # in a handler it is privileged
    assert [cpu.reg_read(r) for r in special] == [0x40, 0x40, 0x40]


def test_only_the_flags_register_makes_unicorn_derive_its_modes_anew() -> None:
    """An exception return is a plain jump (to where nothing can be fetched) until it does."""
    cpu = machine(0x4708)  # bx r1
    cpu.reg_write(R1, 0xFFFFFFF9)
    numbers: list[int] = []

    def interrupt(_uc: Uc, number: int, _: Any) -> None:
        numbers.append(number)
        cpu.emu_stop()

    cpu.hook_add(uc.UC_HOOK_INTR, interrupt)
    cpu.reg_write(XPSR, T | 15)
    start(cpu)
    cpu.reg_write(arm.UC_ARM_REG_APSR_NZCV, 0)
    start(cpu)
    assert numbers == [3, 8]


def test_a_context_keeps_the_exclusive_monitor_and_registers_do_not() -> None:
    code = (0xE851, 0x0F00, 0xBF30, 0xE841, 0x2000, 0xBF30)  # ldrex r0, [r1]; wfi; strex r0, ...
    cpu = machine(*code)
    cpu.reg_write(R1, RAM + 0x400)
    pristine = cpu.context_save()
    start(cpu)
    armed = cpu.context_save()
    cpu.context_restore(pristine)
    cpu.reg_write(R1, RAM + 0x400)
    start(cpu, RAM + 6)
    assert cpu.reg_read(R0) == 1
    cpu.context_restore(armed)
    start(cpu, RAM + 6)
    assert cpu.reg_read(R0) == 0


def test_a_context_has_what_the_exclusive_monitor_holds() -> None:
    cpu = machine(0xE851, 0x0F00, 0xBF30)  # ldrex r0, [r1]; wfi
    cpu.reg_write(R1, RAM + 0x404)
    cpu.mem_write(RAM + 0x404, struct.pack("<I", 0xA5C3E197))
    held = struct.pack("<2Q", RAM + 0x404, 0xA5C3E197)
    before = inside(cpu.context_save())
    start(cpu)
    after = inside(cpu.context_save())
    assert after.count(held) == 1
    assert before[after.index(held) :][:8] == b"\xff" * 8


def inside(context: Any) -> bytes:
    """What is in a context; it begins with its size."""
    size = ctypes.cast(context.context, ctypes.POINTER(ctypes.c_size_t))[0]
    return ctypes.string_at(context.context, size)


def test_an_mclass_machine_is_not_the_model_asked_for() -> None:
    """UC_MODE_MCLASS gives a Cortex-M33: it knows TT, a Cortex-M3 does not."""
    for mode, known in ((uc.UC_MODE_THUMB, False), (uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS, True)):
        cpu = Uc(uc.UC_ARCH_ARM, mode)
        cpu.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M3)
        cpu.mem_map(RAM, 0x1000)
        cpu.mem_write(RAM, struct.pack("<HH", 0xE841, 0xF000))  # tt r0, r1
        try:
            cpu.emu_start(RAM | 1, RAM + 4)
            works = True
        except UcError:
            works = False
        assert works == known


def test_stack_pointers_have_any_value_and_masks_any_bits() -> None:
    cpu = machine(0x4685, 0xF380, 0x8809, 0xF380, 0x8811)  # mov sp; msr psp; msr basepri
    cpu.reg_write(R0, 0x20000107)
    for at in (RAM, RAM + 2, RAM + 6):
        cpu.emu_start(at | 1, 0, count=1)
    names = (arm.UC_ARM_REG_SP, arm.UC_ARM_REG_PSP, arm.UC_ARM_REG_BASEPRI)
    assert [cpu.reg_read(name) for name in names] == [0x20000107, 0x20000107, 7]


@pytest.mark.parametrize("access", [(0xC906,), (0xE9D1, 0x2300), (0xE841, 0x2300)])
def test_accesses_that_must_be_aligned_are_not_looked_at(access: tuple[int, ...]) -> None:
    """LDM, LDRD, STREX."""
    cpu = machine(*access)
    cpu.reg_write(R1, RAM + 0x102)
    cpu.emu_start(RAM | 1, 0, count=1)
    assert cpu.reg_read(PC) == RAM + 2 * len(access)


def test_a_block_is_as_it_was_read_when_it_was_translated() -> None:
    """A branch to itself ends it; what is there when it runs begins the next one."""
    cpu = machine(0x3001, 0x3001, 0x3102, 0xDE00)  # adds r0, #1 twice; adds r1, #2; udf
    blocks: list[tuple[int, int]] = []
    cpu.hook_add(uc.UC_HOOK_BLOCK, lambda _uc, pc, size, _: blocks.append((pc - RAM, size)))
    cpu.ctl_set_exits([RAM + 2])
    start(cpu)
    cpu.ctl_set_exits([])
    cpu.mem_write(RAM + 2, struct.pack("<H", 0xE7FE))
    cpu.ctl_request_cache(RAM)
    cpu.mem_write(RAM + 2, struct.pack("<H", 0x3001))
    with pytest.raises(UcError):
        start(cpu)
    assert blocks[1:] == [(0, 4), (2, 6)]
    assert (cpu.reg_read(R0), cpu.reg_read(R1)) == (3, 2)
