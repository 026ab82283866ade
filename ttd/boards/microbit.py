"""BBC micro:bit, version 1: nRF51822 with Cortex-M0, 25 lights, two buttons, motion sensors.

Memory map and peripheral IDs: nRF51 Series Reference Manual, chapter "Memory" and table
"Peripheral IDs"; the interrupt of a peripheral is its ID. Sizes: nRF51822 Product Specification
(variant QFAA: 256 kB of flash, 16 kB of RAM). Pins: schematic of the board.
"""

from __future__ import annotations

from dataclasses import replace

from ttd.boards.base import Board, MappedDevice, Region, Wiring
from ttd.boards.numbers import BoardOptionError
from ttd.devices.microbit.buttons import Buttons
from ttd.devices.microbit.leds import LedMatrix
from ttd.devices.microbit.sensors import (
    ACCELEROMETER,
    LYING_FLAT,
    MAGNETOMETER,
    NO_FIELD,
    Sensor,
)
from ttd.devices.nrf51.adc import Adc
from ttd.devices.nrf51.clock_power import ClockPower
from ttd.devices.nrf51.ficr import Ficr
from ttd.devices.nrf51.gpio import Gpio
from ttd.devices.nrf51.gpiote import Gpiote
from ttd.devices.nrf51.nvmc import Nvmc
from ttd.devices.nrf51.peripheral import HFCLK, Peripheral
from ttd.devices.nrf51.ppi import Ppi
from ttd.devices.nrf51.radio import Radio
from ttd.devices.nrf51.rng import Rng
from ttd.devices.nrf51.rtc import Rtc
from ttd.devices.nrf51.temp import Temp
from ttd.devices.nrf51.timer import Timer
from ttd.devices.nrf51.twi import Twi
from ttd.devices.nrf51.uart import Uart
from ttd.devices.nrf51.wdt import Wdt
from ttd.devices.unimplemented import Unimplemented

WINDOW = 0x1000
FLASH = Region("flash", 0x00000000, 0x40000, writable=False, fill=0xFF, stores_to="nvmc")
UICR = Region("uicr", 0x10001000, WINDOW, writable=False, fill=0xFF, stores_to="nvmc")
RAM = Region("ram", 0x20000000, 0x4000)
FICR_BASE, APB, GPIO_BASE = 0x10000000, 0x40000000, 0x50000000
POWER_ID, RADIO_ID, UART_ID, TWI0_ID, TWI1_ID, GPIOTE_ID, ADC_ID = 0, 1, 2, 3, 4, 6, 7
TIMER_IDS = {8: 32, 9: 16, 10: 16}
"""ID of each timer, and its bits."""
RTC_IDS = (11, 17)
TEMP_ID, RNG_ID, WDT_ID, NVMC_ID, PPI_ID = 12, 13, 16, 30, 31
UNIMPLEMENTED_IDS = {
    "ecb": 14, "aar-ccm": 15, "qdec": 18, "lpcomp": 19, "swi0": 20, "swi1": 21, "swi2": 22,
    "swi3": 23, "swi4": 24, "swi5": 25,
}  # fmt: skip
"""Parts that read as zero."""
IRQ_NAMES = {
    POWER_ID: "power", RADIO_ID: "radio", UART_ID: "uart0", TWI0_ID: "twi0", TWI1_ID: "twi1",
    GPIOTE_ID: "gpiote", ADC_ID: "adc", TEMP_ID: "temp", RNG_ID: "rng", WDT_ID: "wdt",
    **{identity: f"timer{number}" for number, identity in enumerate(TIMER_IDS)},
    **{identity: f"rtc{number}" for number, identity in enumerate(RTC_IDS)},
    **{identity: name for name, identity in UNIMPLEMENTED_IDS.items()},
}  # fmt: skip
ROM_TABLE_BASE = 0xF0000000


def build_devices(wiring: Wiring) -> list[MappedDevice]:
    """Make the board's devices, connected to `wiring`."""
    clock, line = wiring.clock, wiring.line

    def bite() -> None:
        power.watchdog_bites()
        wiring.reset()

    gpio = Gpio("gpio", clock)
    power = ClockPower("power", clock, line(POWER_ID))
    sensors = {
        ACCELEROMETER: Sensor("accelerometer", clock, LYING_FLAT),
        MAGNETOMETER: Sensor("magnetometer", clock, NO_FIELD),
    }
    by_id: dict[int, Peripheral] = {
        POWER_ID: power,
        RADIO_ID: Radio("radio", clock, line(RADIO_ID)),
        UART_ID: Uart("uart0", clock, line(UART_ID), wiring.char("uart0")),
        TWI0_ID: Twi("twi0", clock, line(TWI0_ID), sensors),
        TWI1_ID: Twi("twi1", clock, line(TWI1_ID), {}),
        GPIOTE_ID: Gpiote("gpiote", clock, line(GPIOTE_ID), gpio),
        ADC_ID: Adc("adc", clock, line(ADC_ID)),
        TEMP_ID: Temp("temp", clock, line(TEMP_ID)),
        RNG_ID: Rng("rng", clock, line(RNG_ID), wiring.random),
        WDT_ID: Wdt("wdt", clock, line(WDT_ID), bite),
    }
    for number, (identity, bits) in enumerate(TIMER_IDS.items()):
        by_id[identity] = Timer(f"timer{number}", clock, line(identity), bits)
    for number, identity in enumerate(RTC_IDS):
        by_id[identity] = Rtc(f"rtc{number}", clock, line(identity))
    at = {APB + WINDOW * identity: peripheral for identity, peripheral in by_id.items()}
    code, uicr = (FLASH.base, FLASH.size), (UICR.base, UICR.size)
    blocks = {
        FICR_BASE: Ficr("ficr", clock),
        GPIO_BASE: gpio,
        APB + WINDOW * NVMC_ID: Nvmc("nvmc", clock, wiring.dma("nvmc"), code, uicr),
        APB + WINDOW * PPI_ID: Ppi("ppi", clock, at),
        ROM_TABLE_BASE: Unimplemented("rom-table", clock),
    }
    blocks |= {
        APB + WINDOW * identity: Unimplemented(name, clock)
        for name, identity in UNIMPLEMENTED_IDS.items()
    }
    beside = [
        LedMatrix("leds", clock, gpio),
        Buttons("buttons", clock, gpio, wiring.input("buttons")),
        *sensors.values(),
    ]
    return [
        *(MappedDevice(base, WINDOW, device) for base, device in (at | blocks).items()),
        *(MappedDevice(0, 0, device) for device in beside),
    ]


RAM_STEP, RAM_MOST = 1 << 10, 16 << 20
"""Bytes; programs that need more than the chip has are run with more."""


def with_memory(size: int) -> Board:
    """The board with so many bytes of RAM; all else, FICR's words about it as well, is the
    chip's."""
    if not 0 < size <= RAM_MOST or size % RAM_STEP:
        raise BoardOptionError(f"the RAM of microbit is a multiple of 1K up to {RAM_MOST >> 20}M")
    regions = (FLASH, UICR, replace(RAM, size=size))
    return replace(MICROBIT, regions=regions, options={"memory": size})


MICROBIT = Board(
    name="microbit",
    description="BBC micro:bit: nRF51822, Cortex-M0, 16 MHz, 256 kB flash, 16 kB RAM, 25 LEDs",
    cpu="cortex-m0",
    irq_lines=32,
    core_hz=HFCLK,
    ns_per_step=62,
    reset_address=0,
    regions=(FLASH, UICR, RAM),
    bit_bands=(),
    serials=("uart0",),
    build_devices=build_devices,
    irq_names=IRQ_NAMES,
    inputs={"buttons": "keyboard"},
    with_memory=with_memory,
)
