"""Armv7-M (Cortex-M3): exceptions, NVIC, SysTick, MPU registers, around the engine's core."""

from .cpu import CortexM

__all__ = ["CortexM"]
