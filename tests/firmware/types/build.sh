#!/bin/sh
# One ELF per architecture, with debug information and call frames.
# Paths are as seen from the top of the repository, as common/cc says.
set -eu
cd "$(dirname "$0")/../../.."
here=tests/firmware/types

build() { # ARCHITECTURE COMPILER FLAGS...
    name=$1
    compiler=$2
    shift 2
    gcc_home=$(dirname "$("$compiler" -print-libgcc-file-name)")
    "$compiler" "$@" -g -ffreestanding -fno-builtin -fno-pic -no-pie -nostdlib -static \
        -fno-stack-protector -fno-asynchronous-unwind-tables -Wall -Wextra -Werror -Wno-psabi \
        -ffile-prefix-map="$PWD"=. -ffile-prefix-map="$gcc_home"=gcc \
        -Wa,--debug-prefix-map="$PWD"=. \
        -Wl,-N,-Ttext=0x100000,--build-id=none,--no-warn-rwx-segments \
        -o "$here/types-$name.elf" $here/start.S $here/types.c -lgcc
}

build x86-64 x86_64-linux-gnu-gcc -Og -fcf-protection=none
build aarch64 aarch64-linux-gnu-gcc -Og -mno-outline-atomics
build rv64 riscv64-unknown-elf-gcc -Og -march=rv64gc -mabi=lp64d -mcmodel=medany -mno-relax
build rv32 riscv64-unknown-elf-gcc -Og -march=rv32imac -mabi=ilp32 -mno-relax
build cortex-m3 arm-none-eabi-gcc -Og -Wl,--no-warn-execstack -mcpu=cortex-m3 -mthumb
build cortex-m3-O2 arm-none-eabi-gcc -O2 -Wl,--no-warn-execstack -mcpu=cortex-m3 -mthumb
build cortex-m3-O0 arm-none-eabi-gcc -O0 -gdwarf-4 -Wl,--no-warn-execstack -mcpu=cortex-m3 -mthumb
