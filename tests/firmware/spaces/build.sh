#!/bin/sh
cd "$(dirname "$0")" && exec riscv64-unknown-elf-gcc -march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany \
    -O2 -ffreestanding -nostdlib -static -Wl,--build-id=none -Wl,--no-warn-rwx-segments -T spaces.ld \
    ../common/sv39.S spaces.c -o spaces.elf
