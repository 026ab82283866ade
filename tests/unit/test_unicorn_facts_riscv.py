"""What the engine takes for granted about Unicorn's RISC-V (see `test_unicorn_facts.py`)."""

from __future__ import annotations

import struct
from typing import Any

from unicorn import Uc
from unicorn import riscv_const as rv
from unicorn import unicorn_const as uc

RAM = 0x80000000
RDTIME_A0, ADDI_A0, WFI = 0xC0102573, 0x00150513, 0x10500073
CSRW_SATP_T0, LD_A1_T1, SC_W, LR_W = 0x18029073, 0x00033583, 0x18A325AF, 0x100322AF
PC, PRIV, A0, A1 = rv.UC_RISCV_REG_PC, rv.UC_RISCV_REG_PRIV, rv.UC_RISCV_REG_A0, rv.UC_RISCV_REG_A1


def machine(*code: int) -> Uc:
    """Instructions at RAM, exits enabled and none set."""
    cpu = Uc(uc.UC_ARCH_RISCV, uc.UC_MODE_RISCV64)
    cpu.ctl_set_cpu_model(rv.UC_CPU_RISCV64_SIFIVE_U54)
    cpu.mem_map(RAM, 0x10000)
    cpu.mem_write(RAM, struct.pack(f"<{len(code)}I", *code))
    cpu.ctl_exits_enabled(True)
    cpu.ctl_set_exits([])
    return cpu


def test_an_exception_leaves_pc_four_bytes_on_and_goes_on_there() -> None:
    cpu = machine(RDTIME_A0, ADDI_A0, WFI)
    seen: list[tuple[int, int]] = []
    cpu.hook_add(uc.UC_HOOK_INTR, lambda u, number, _: seen.append((number, u.reg_read(PC))))
    cpu.reg_write(A0, 7)
    cpu.emu_start(RAM, 0)
    assert seen == [(2, RAM + 4)]
    assert cpu.reg_read(A0) == 8
    assert cpu.reg_read(PC) == RAM + 12


def test_a_new_satp_leaves_the_tlb_as_it_is() -> None:
    """Only a new ASID flushes it: so `riscv_look` does."""
    fills: list[int] = []
    for satp in (8 << 60 | RAM >> 12, 8 << 60 | 1 << 44 | RAM >> 12):
        cpu = machine(LD_A1_T1, CSRW_SATP_T0, LD_A1_T1, WFI)
        cpu.ctl_set_tlb_mode(uc.UC_TLB_VIRTUAL)
        count = 0

        def fill(_uc: Uc, address: int, access: int, entry: Any, _: Any) -> bool:
            nonlocal count
            count += access == uc.UC_MEM_READ
            entry.paddr, entry.perms = address, uc.UC_PROT_ALL
            return True

        cpu.hook_add(uc.UC_HOOK_TLB_FILL, fill)
        cpu.reg_write(rv.UC_RISCV_REG_T0, satp)
        cpu.reg_write(rv.UC_RISCV_REG_T1, RAM + 0x4000)
        cpu.emu_start(RAM, 0)
        fills.append(count)
    assert fills == [1, 2]


def test_csrs_read_as_nothing_below_their_privilege() -> None:
    cpu = machine(WFI)
    cpu.reg_write(rv.UC_RISCV_REG_MSCRATCH, 77)
    cpu.reg_write(PRIV, 1)
    cpu.reg_write(rv.UC_RISCV_REG_MSCRATCH, 78)
    cpu.reg_write(PRIV, 3)
    assert cpu.reg_read(rv.UC_RISCV_REG_MSCRATCH) == 77


def test_a_change_of_privilege_gives_up_the_reservation_and_a_context_keeps_it() -> None:
    def conditional(kept: bool) -> int:
        cpu = machine(LR_W, SC_W, WFI)
        cpu.reg_write(rv.UC_RISCV_REG_T1, RAM + 0x4000)
        cpu.ctl_set_exits([RAM + 4])
        cpu.emu_start(RAM, 0)
        cpu.ctl_set_exits([])
        context = cpu.context_save()
        cpu.reg_write(PRIV, 1)
        cpu.reg_write(PRIV, 3)
        if kept:
            cpu.context_restore(context)
        cpu.emu_start(RAM + 4, 0)
        return int(cpu.reg_read(A1))

    assert (conditional(True), conditional(False)) == (0, 1)


def test_pc_can_be_moved_on_before_an_instruction_with_a_hook_of_its_own() -> None:
    """The instruction is then not done, and the rest is a block of its own."""
    cpu = machine(ADDI_A0, RDTIME_A0, ADDI_A0, WFI)
    blocks: list[tuple[int, int]] = []

    def skip(u: Uc, pc: int, _size: int, _: Any) -> None:
        assert (u.reg_read(PC), u.reg_read(A0)) == (pc, 1)
        u.reg_write(PC, pc + 4)

    cpu.hook_add(uc.UC_HOOK_CODE, skip, None, RAM + 4, RAM + 4)
    cpu.hook_add(uc.UC_HOOK_BLOCK, lambda _u, pc, size, _: blocks.append((pc - RAM, size)))
    cpu.emu_start(RAM, 0)
    assert (cpu.reg_read(A0), cpu.reg_read(PC)) == (2, RAM + 16)
    assert [pc for pc, _ in blocks] == [0, 8]


def test_an_illegal_instruction_of_16_bits_is_left_out_of_its_block() -> None:
    cpu = machine(ADDI_A0, 0, WFI)
    blocks: list[tuple[int, int]] = []
    cpu.hook_add(uc.UC_HOOK_INTR, lambda _u, _number, _: None)
    cpu.hook_add(uc.UC_HOOK_BLOCK, lambda _u, pc, size, _: blocks.append((pc - RAM, size)))
    cpu.emu_start(RAM, 0)
    assert blocks[0] == (0, 4)
