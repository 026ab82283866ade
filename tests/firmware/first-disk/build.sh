#!/bin/sh
# No linker script: the first segment begins with the ELF header, one page below memory.
cd "$(dirname "$0")" && exec riscv64-unknown-elf-gcc -march=rv64imac_zicsr -mabi=lp64 \
    -mcmodel=medany -O1 -ffreestanding -nostdlib -static -fno-common -Wall -Wextra -Werror \
    -Wl,-Ttext=0x80000000 -Wl,--no-relax -Wl,--build-id=none start.S first-disk.c -o first-disk.elf
