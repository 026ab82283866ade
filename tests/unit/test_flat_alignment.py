"""Accesses that must be aligned are, on AArch64 and x86-64, and others need not be."""

from __future__ import annotations

import pytest
from unicorn import arm64_const, x86_const

from tests.unit.engine_bench import device_stops
from tests.unit.flat_programs import AARCH64, CODE, DATA, DEVICE, X86_64
from tests.unit.test_engine_flat import Bench
from ttd.cpu.base import Over
from ttd.engine import Access, StopReason

X86_ALIGNED = {
    "movaps (%rax),%xmm0": "0f2800",
    "movaps %xmm0,(%rax)": "0f2900",
    "movapd 0x10(%rax,%rcx,2),%xmm9": "66440f284c4810",
    "movdqa %xmm1,(%rax)": "660f7f08",
    "movntps %xmm1,(%rax)": "0f2b08",
    "movntdq %xmm1,(%rax)": "660fe708",
    "movntdqa (%rax),%xmm1": "660f382a08",
    "paddb (%rax),%xmm2": "660ffc10",
    "pshufd $0x1,(%rax),%xmm2": "660f701001",
    "pshufhw $0x1,(%rax),%xmm2": "f30f701001",
    "movshdup (%rax),%xmm2": "f30f1610",
    "xorps (%rax),%xmm2": "0f5710",
    "shufps $0x1,(%rax),%xmm2": "0fc61001",
    "unpckhpd (%rax),%xmm2": "660f1510",
    "pshufb (%rax),%xmm2": "660f380010",
    "ptest (%rax),%xmm2": "660f381710",
    "pblendw $0x1,(%rax),%xmm2": "660f3a0e1001",
    "pclmulhqlqdq (%rax),%xmm2": "660f3a441001",
    "aesenc (%rax),%xmm2": "660f38dc10",
    "addps (%rax),%xmm2": "0f5810",
    "cmpltpd (%rax),%xmm2": "660fc21001",
    "cvtdq2ps (%rax),%xmm2": "0f5b10",
    "dpps $0x1,(%rax),%xmm2": "660f3a401001",
    "roundps $0x1,(%rax),%xmm2": "660f3a081001",
    "psllw (%rax),%xmm2": "660ff110",
    "fxsave (%rax)": "0fae00",
    "cmpxchg16b (%rax)": "480fc708",
}
X86_OTHERS = {
    "movups (%rax),%xmm0": "0f1000",
    "movdqu %xmm0,(%rax)": "f30f7f00",
    "lddqu (%rax),%xmm0": "f20ff000",
    "movsd (%rax),%xmm0": "f20f1000",
    "movhps (%rax),%xmm0": "0f1600",
    "movddup (%rax),%xmm0": "f20f1200",
    "pmovzxbw (%rax),%xmm0": "660f383000",
    "pcmpistri $0x1,(%rax),%xmm0": "660f3a630001",
    "addsd (%rax),%xmm0": "f20f5800",
    "cvtps2pd (%rax),%xmm0": "0f5a00",
    "pinsrw $0x1,(%rax),%xmm0": "660fc40001",
    "paddb (%rax),%mm0": "0ffc00",
    "cmpxchg8b (%rax)": "0fc708",
    "movq %xmm0,(%rax)": "660fd600",
}
A64_ALIGNED = {
    "ldar x1, [x0]": ("01fcdfc8", 8),
    "ldar w1, [x0]": ("01fcdf88", 4),
    "ldarh w1, [x0]": ("01fcdf48", 2),
    "stlr x1, [x0]": ("01fc9fc8", 8),
    "stlr w1, [x0]": ("01fc9f88", 4),
    "stlrh w1, [x0]": ("01fc9f48", 2),
    "ldxr x1, [x0]": ("017c5fc8", 8),
    "ldaxr w1, [x0]": ("01fc5f88", 4),
    "ldxrh w1, [x0]": ("017c5f48", 2),
    "stxr w2, x1, [x0]": ("017c02c8", 8),
    "stlxr w2, w1, [x0]": ("01fc0288", 4),
    "stxrh w2, w1, [x0]": ("017c0248", 2),
    "ldxp x1, x2, [x0]": ("01087fc8", 16),
    "ldaxp w1, w2, [x0]": ("01887f88", 8),
    "stxp w3, x1, x2, [x0]": ("010823c8", 16),
    "stlxp w3, w1, w2, [x0]": ("01882388", 8),
}
"""With the size of each."""
A64_OTHERS = {
    "ldarb w1, [x0]": "01fcdf08",
    "stlxrb w2, w1, [x0]": "01fc0208",
    "ldr x1, [x0]": "010040f9",
    "ldp x1, x2, [x0]": "010840a9",
    "str q0, [x0]": "0000803d",
}


@pytest.fixture(scope="module")
def x86() -> Bench:
    return Bench(X86_64)


@pytest.fixture(scope="module")
def a64() -> Bench:
    return Bench(AARCH64)


def run(bench: Bench, code: str, address: int, before: str = "") -> tuple[int, Over | None]:
    """After what comes before, and again after a look from outside: the steps that ran, and why no
    more."""
    engine = bench.engine
    x86 = bench.dialect is X86_64
    program = bytes.fromhex(before + code) + bytes.fromhex("90f4" if x86 else "1f2003d57f2003d5")
    pointer = x86_const.UC_X86_REG_RAX if x86 else arm64_const.UC_ARM64_REG_X0
    found = set()
    for slices in (100, 1):
        engine.write(CODE, program)
        bench.cpu.reset()
        engine.reg_write(engine.isa.pc, CODE)
        engine.reg_write(pointer, address)
        if x86:
            engine.reg_write(x86_const.UC_X86_REG_RCX, 0)
        engine.step = 0
        stop = engine.run(slices)
        while stop.reason == 0:
            stop = engine.run(slices)
        over = bench.cpu.stopped(stop)
        assert isinstance(over, Over)
        found.add((engine.step, over.reason, over.code))
    ((steps, reason, code_),) = found
    return steps, Over(reason, code_) if code_ else None


@pytest.mark.parametrize("name", X86_ALIGNED)
def test_sixteen_bytes_of_x86(x86: Bench, name: str) -> None:
    code = X86_ALIGNED[name]
    nop = "90"
    for before, steps in ("", 0), (nop, 1), ("4883c008", 1), ("488d4008", 1), ("488900488b00", 2):
        shift = 8 if before.startswith("488") else 0
        if before.startswith("4889"):  # mov %rax, (%rax); mov (%rax), %rax
            shift = 0
        assert run(x86, code, DATA + 0x40 - shift, before) == (steps + 3, None)
        for off in 1, 4, 8:
            done, over = run(x86, code, DATA + 0x40 - shift + off, before)
            assert done == steps
            assert (
                over is not None
                and "#GP" in over.reason
                and f"{CODE + len(before) // 2:#x}" in over.reason
            )


@pytest.mark.parametrize("name", X86_OTHERS)
def test_others_of_x86(x86: Bench, name: str) -> None:
    assert run(x86, X86_OTHERS[name], DATA + 0x41) == (3, None)


@pytest.mark.parametrize("name", A64_ALIGNED)
def test_ordered_accesses_of_aarch64(a64: Bench, name: str) -> None:
    code, size = A64_ALIGNED[name]
    for before, steps in ("", 0), ("1f2003d5", 1):
        assert run(a64, code, DATA + 0x40, before) == (steps + 3, None)
        for off in (size // 2, 1):
            done, over = run(a64, code, DATA + 0x40 + off, before)
            assert done == steps
            assert (
                over is not None
                and f"must be aligned and is not, of {DATA + 0x40 + off:#x}" in over.reason
            )


@pytest.mark.parametrize("name", A64_OTHERS)
def test_others_of_aarch64(a64: Bench, name: str) -> None:
    assert run(a64, A64_OTHERS[name], DATA + 0x41) == (3, None)


def x86_registers(*names: str) -> tuple[int, ...]:
    """Unicorn's numbers of registers."""
    return tuple(getattr(x86_const, f"UC_X86_REG_{name}") for name in names)


FLAGS_BEFORE, FLAGS_AFTER = 0xAD7, 0x287
"""Before, and after SUB gave -0x1000 with a carry."""


@pytest.mark.parametrize("off", [0, 8], ids=["watched", "unaligned"])
@pytest.mark.parametrize("name", ["movaps %xmm0,(%rax)", "paddb (%rax),%xmm2"])
def test_flags_of_the_instruction_before_one_that_does_not_complete(
    x86: Bench, name: str, off: int
) -> None:
    """Its pointer is loaded in the block, so that it is looked at where it stands."""
    engine = x86.engine
    registers = x86_registers("RIP", "RAX", "RCX", "RDX", "RFLAGS")
    # mov (%rax), %rax; sub %rcx, %rdx
    code = bytes.fromhex("488b00" + "4829ca" + X86_ALIGNED[name] + "90f4")
    for slices in (100, 2, 1):
        engine.write(CODE, code)
        engine.write(DATA, (DATA + 0x40 + off).to_bytes(8, "little"))
        x86.cpu.reset()
        engine.regs_write(registers, (CODE, DATA, 0x1000, 0, FLAGS_BEFORE))
        engine.step = 0
        engine.set_watchpoints([(DATA + 0x40, 16, Access.READ | Access.WRITE, False)])
        try:
            stop = engine.run(slices)
            while stop.reason is StopReason.BUDGET:
                stop = engine.run(slices)
        finally:
            engine.set_watchpoints([])
        assert engine.step == 2
        assert engine.reg_read(x86_const.UC_X86_REG_RFLAGS) == FLAGS_AFTER


def test_flags_where_an_instruction_was_that_had_to_be_aligned(x86: Bench) -> None:
    """What is there now accesses a device, after which the run is to end."""
    engine = x86.engine
    ids = x86_registers("RIP", "RAX", "RCX", "RDX", "R12", "RFLAGS")
    before = bytes.fromhex("488b00" + "4829ca")  # mov (%rax), %rax; sub %rcx, %rdx
    for code, slices in (("0f2900", 100), ("41890424", 100), ("41890424", 1)):
        engine.write(CODE, before + bytes.fromhex(code + "90f4"))
        engine.write(DATA, (DATA + 0x40).to_bytes(8, "little"))
        x86.cpu.reset()
        x86.accesses = []
        # At a step at which the device ends the run.
        first = next(n for n in range(5) if device_stops(n + 2, DEVICE))
        engine.regs_write(ids, (CODE, DATA, 0x1000, 0, DEVICE, FLAGS_BEFORE))
        engine.step = first
        while engine.step < first + 3:
            engine.run(min(slices, first + 4 - engine.step))
        assert engine.reg_read(x86_const.UC_X86_REG_RFLAGS) == FLAGS_AFTER
        assert len(x86.accesses) == (code == "41890424")
