#!/bin/sh
cd "$(dirname "$0")" && exec arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb -Os -ffreestanding -nostdlib \
    -Wall -Wextra -Werror -Wl,--build-id=none -Wl,--section-start=.vectors=0 -Wl,-Ttext=0x40 \
    -Wl,-e,Reset_Handler wide-ram.c -o wide-ram.elf
