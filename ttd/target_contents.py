"""What is read and written in the target: registers of its threads, and memory.

GDB manual, appendix "Remote Protocol", section "Packets".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ttd.cpu.base import Register
from ttd.debugger.session import Session
from ttd.errors import UserError
from ttd.probe_api import PastIsReadOnly
from ttd.rsp import requests as rq
from ttd.rsp.framing import escape
from ttd.rsp.packets import Packets
from ttd.target import MOST_ANSWERED, Target

_NOT_RUNNING = "Registers of a task that does not run cannot be written: they are on its stack."


class TargetContents:
    """Registers and memory where the machine is, for one client."""

    packets = Packets()

    def __init__(
        self, session: Session, target: Target, byte_order: Literal["little", "big"]
    ) -> None:
        """`target`: knows which thread is selected. `byte_order`: of registers in packets."""
        self._session = session
        self._timeline = session.timeline
        self._cpu = session.timeline.cpu
        self._target = target
        self._byte_order = byte_order
        self._by_regnum = {register.regnum: register for register in self._cpu.registers}

    # -- registers -----------------------------------------------------------------------------

    @packets.handles(rq.ReadRegisters)
    def _read_registers(self, request: rq.ReadRegisters) -> bytes:
        registers, saved = self._cpu.registers, self._saved(request.thread)
        if saved is not None:
            return "".join(self._told_of(register, saved) for register in registers).encode()
        values = self._cpu.read_registers(tuple(register.name for register in registers))
        data = [
            value.to_bytes(register.size, self._byte_order)
            for register, value in zip(registers, values, strict=True)
        ]
        return b"".join(data).hex().encode()

    @packets.handles(rq.WriteRegisters)
    def _write_registers(self, request: rq.WriteRegisters) -> bytes:
        if len(request.data) != sum(register.size for register in self._cpu.registers):
            raise rq.Malformed("not the size of all registers")
        self._refuse_saved(request.thread)
        at = 0
        for register in self._cpu.registers:
            self._write_changed(register, request.data[at : at + register.size])
            at += register.size
        return b"OK"

    @packets.handles(rq.ReadRegister)
    def _read_register(self, request: rq.ReadRegister) -> bytes:
        register, saved = self._by_number(request.regnum), self._saved(request.thread)
        if saved is not None:
            return self._told_of(register, saved).encode()
        return self._read_bytes(register).hex().encode()

    @packets.handles(rq.WriteRegister)
    def _write_register(self, request: rq.WriteRegister) -> bytes:
        register = self._by_number(request.regnum)
        if len(request.data) != register.size:
            raise rq.Malformed("not the size of the register")
        self._refuse_saved(request.thread)
        self._write_changed(register, request.data)
        return b"OK"

    def _by_number(self, regnum: int) -> Register:
        if regnum not in self._by_regnum:
            raise rq.Malformed(f"there is no register {regnum}")
        return self._by_regnum[regnum]

    def _read_bytes(self, register: Register) -> bytes:
        return self._cpu.read_register(register.name).to_bytes(register.size, self._byte_order)

    def _write_changed(self, register: Register, data: bytes) -> None:
        """GDB also writes back what it has read; that is no change and allowed everywhere."""
        if data != self._read_bytes(register):
            self._refuse_in_frame()
            self._session.write_register(register.name, int.from_bytes(data, self._byte_order))

    def _saved(self, thread: int | None) -> Mapping[str, int] | None:
        """Registers of the thread that is named or selected; None: it runs, they are the CPU's."""
        number = (thread if thread and thread > 0 else None) or self._target.selected
        if number is None:
            return None
        try:
            return self._session.threads.registers(number)
        except LookupError as e:
            raise rq.Malformed(str(e)) from e

    def _told_of(self, register: Register, saved: Mapping[str, int]) -> str:
        """Digits of a register of a thread that does not run; what is not known is `x`."""
        if register.name in saved:
            value = saved[register.name] & (1 << register.bits) - 1
            return value.to_bytes(register.size, self._byte_order).hex()
        return "xx" * register.size

    def _refuse_saved(self, thread: int | None) -> None:
        if self._saved(thread) is not None:
            raise UserError(_NOT_RUNNING)

    # -- memory --------------------------------------------------------------------------------

    @packets.handles(rq.ReadMemory)
    def _read_memory(self, request: rq.ReadMemory) -> bytes:
        return self._read(request.address, request.length).hex().encode()

    @packets.handles(rq.ReadMemoryBinary, "binary-upload+")
    def _read_memory_binary(self, request: rq.ReadMemoryBinary) -> bytes:
        return b"b" + escape(self._read(request.address, request.length))

    def _read(self, address: int, length: int) -> bytes:
        length = min(length, MOST_ANSWERED)
        return self._timeline.probe.read_memory(address, length) if length else b""

    @packets.handles(rq.WriteMemory)
    def _write_memory(self, request: rq.WriteMemory) -> bytes:
        if request.data:  # GDB probes for `X` with an empty write
            self._refuse_in_frame()
            self._session.write_memory(request.address, request.data)
        return b"OK"

    def _refuse_in_frame(self) -> None:
        if self._session.visiting:
            raise PastIsReadOnly("A trace frame is read-only; 'tfind none' leaves it.")
