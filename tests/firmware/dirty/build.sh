#!/bin/sh
cd "$(dirname "$0")" || exit 1
build() {
    arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -Os -ffreestanding -nostdlib -Wall -Wextra -Werror \
        -Wl,--build-id=none -Wl,--section-start=.vectors=0 -Wl,-Ttext=0x40 -Wl,-Tbss=0x20000000 \
        -Wl,-Tdata=0x20000000 -Wl,-e,Reset_Handler "$@"
}
build dirty.c -o dirty-all.elf && build -DSOME dirty.c -o dirty-some.elf
