#!/bin/sh
# One ELF per architecture, each a single piece of memory that begins with its code.
set -eu
here=$(dirname "$0")

build() { # ARCHITECTURE COMPILER FLAGS...
    name=$1
    shift
    "$@" -O2 -ffreestanding -fno-builtin -fno-pic -no-pie -nostdlib -static -ffp-contract=off \
        -fno-tree-loop-distribute-patterns -fno-stack-protector -fno-asynchronous-unwind-tables \
        -ftree-vectorize -Wall -Wextra -Werror \
        -Wl,-N,-Ttext=0x100000,--build-id=none,--no-warn-rwx-segments \
        -o "$here/blob-$name.elf" "$here/start.S" "$here/blob.c" -lgcc
}

build x86-64 x86_64-linux-gnu-gcc -fcf-protection=none
build aarch64 aarch64-linux-gnu-gcc
build rv64 riscv64-unknown-elf-gcc -march=rv64gc -mabi=lp64d -mcmodel=medany -mno-relax
build cortex-m3 arm-none-eabi-gcc -Wl,--no-warn-execstack -mcpu=cortex-m3 -mthumb
