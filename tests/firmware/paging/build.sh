#!/bin/sh
cd "$(dirname "$0")" && exec riscv64-unknown-elf-gcc -march=rv64imac_zicsr_zifencei -mabi=lp64 \
    -nostdlib -static -Wl,-Ttext=0x80000000 -Wl,--no-relax -Wl,--build-id=none paging.S -o paging.elf
