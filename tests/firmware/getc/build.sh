#!/bin/sh
set -eu
cd "$(dirname "$0")"
exec riscv64-unknown-elf-gcc -nostdlib -march=rv64ima -mabi=lp64 -Wl,-Ttext=0x80000000 -Wl,-N \
    -Wl,--build-id=none getc.S -o getc.elf
