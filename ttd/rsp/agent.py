"""GDB's agent expressions: the conditions that come with breakpoints.

GDB manual, appendix "The GDB Agent Expression Mechanism", sections "General Bytecode Design" and
"Bytecode Descriptions". Values are 64 bits wide and wrap; memory is read through `World`.
"""

from __future__ import annotations

from typing import Literal, Protocol

from ttd.values import dataclass

_MASK = (1 << 64) - 1
MAX_OPS = 100_000
"""Conditions that take longer for one hit are broken: GDB's are a few dozen instructions."""
_MAX_STACK = 1024
_LOOK_EVERY = 1024
"""Instructions between two looks at whether there is a Ctrl-C."""

_OPERAND_BYTES = {
    0x16: 1,  # ext
    0x20: 2,  # if_goto
    0x21: 2,  # goto
    0x22: 1,  # const8
    0x23: 2,  # const16
    0x24: 4,  # const32
    0x25: 8,  # const64
    0x26: 2,  # reg
    0x2A: 1,  # zero_ext
    0x32: 1,  # pick
}
_REF_SIZE = {0x17: 1, 0x18: 2, 0x19: 4, 0x1A: 8}


class World(Protocol):
    """Where an expression is evaluated."""

    @property
    def byte_order(self) -> Literal["little", "big"]: ...
    def register(self, regnum: int) -> int:
        """Value of GDB's register number `regnum`; `LookupError` if there is none."""
        ...

    def memory(self, address: int, size: int) -> bytes:
        """Exactly `size` bytes; `LookupError` if they are not there."""
        ...

    def interrupted(self) -> bool:
        """True if nobody waits for the result any more."""
        ...


class AgentError(Exception):
    """The expression is broken, or needs something that is not there."""


class AgentInterrupted(Exception):
    """The evaluation was given up: `World.interrupted`."""


@dataclass(slots=True)
class Budget:
    """How many instructions may still be executed; one may be shared by several expressions."""

    left: int = MAX_OPS


def evaluate(code: bytes, world: World, budget: Budget | None = None) -> int:
    """Run the expression and return the value it leaves, as an unsigned 64-bit number.

    Raises `AgentError`, also when the budget is used up, or `AgentInterrupted`.
    """
    budget = budget or Budget()
    stack: list[int] = []
    at = 0
    try:
        while budget.left > 0:
            if budget.left % _LOOK_EVERY == 0 and world.interrupted():
                raise AgentInterrupted
            budget.left -= 1
            op = code[at]
            width = _OPERAND_BYTES.get(op, 0)
            operand_bytes = code[at + 1 : at + 1 + width]
            if len(operand_bytes) != width:
                raise AgentError(f"bytecode ends inside the instruction at {at}")
            operand = int.from_bytes(operand_bytes, "big")
            at += 1 + width
            if op == 0x27:  # end
                return stack[-1]
            if op == 0x21:  # goto
                at = operand
            elif op == 0x20:  # if_goto
                if stack.pop():
                    at = operand
            else:
                _execute(op, operand, stack, world)
            if len(stack) > _MAX_STACK:
                raise AgentError("stack overflow")
    except IndexError as e:
        raise AgentError("stack underflow, or a jump out of the bytecode") from e
    except LookupError as e:
        raise AgentError(str(e)) from e
    raise AgentError(f"no end after {MAX_OPS} instructions")


def _signed(value: int, bits: int = 64) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if bits and value >> (bits - 1) else value


def _divide(left: int, right: int, *, remainder: bool) -> int:
    """C division, which truncates towards zero."""
    if right == 0:
        raise AgentError("division by zero")
    quotient = abs(left) // abs(right)
    if (left < 0) != (right < 0):
        quotient = -quotient
    return left - quotient * right if remainder else quotient


def _execute(op: int, operand: int, stack: list[int], world: World) -> None:
    """One instruction that is not a jump."""
    if op in (0x22, 0x23, 0x24, 0x25):  # const8 .. const64
        stack.append(operand)
    elif op == 0x26:  # reg
        stack.append(world.register(operand) & _MASK)
    elif op in _REF_SIZE:  # ref8 .. ref64
        data = world.memory(stack.pop(), _REF_SIZE[op])
        stack.append(int.from_bytes(data, world.byte_order))
    elif op == 0x16:  # ext
        stack.append(_signed(stack.pop(), min(operand, 64)) & _MASK)
    elif op == 0x2A:  # zero_ext
        stack.append(stack.pop() & ((1 << operand) - 1))
    elif op == 0x0E:  # log_not
        stack.append(int(stack.pop() == 0))
    elif op == 0x12:  # bit_not
        stack.append(~stack.pop() & _MASK)
    elif op == 0x28:  # dup
        stack.append(stack[-1])
    elif op == 0x29:  # pop
        stack.pop()
    elif op == 0x2B:  # swap
        stack[-1], stack[-2] = stack[-2], stack[-1]
    elif op == 0x32:  # pick
        stack.append(stack[-1 - operand])
    elif op == 0x33:  # rot: a b c -> c a b
        stack[-3], stack[-2], stack[-1] = stack[-1], stack[-3], stack[-2]
    else:
        right = stack.pop()
        left = stack.pop()
        stack.append(_binary(op, left, right) & _MASK)


def _binary(op: int, left: int, right: int) -> int:
    match op:
        case 0x02:
            return left + right
        case 0x03:
            return left - right
        case 0x04:
            return left * right
        case 0x05:
            return _divide(_signed(left), _signed(right), remainder=False)
        case 0x06:
            return _divide(left, right, remainder=False)
        case 0x07:
            return _divide(_signed(left), _signed(right), remainder=True)
        case 0x08:
            return _divide(left, right, remainder=True)
        case 0x09:
            return left << right if right < 64 else 0
        case 0x0A:
            return _signed(left) >> min(right, 63)
        case 0x0B:
            return left >> right
        case 0x0F:
            return left & right
        case 0x10:
            return left | right
        case 0x11:
            return left ^ right
        case 0x13:
            return int(left == right)
        case 0x14:
            return int(_signed(left) < _signed(right))
        case 0x15:
            return int(left < right)
    raise AgentError(f"bytecode {op:#04x} is not supported")
