#!/bin/sh
# Paths are as seen from the top of the repository, as in common/cc.
set -eu
cd "$(dirname "$0")/../../.."
here=tests/firmware/riscv-sweep
build() { # NAME ARCH ABI
    riscv64-unknown-elf-gcc -march="$2" -mabi="$3" -mcmodel=medany -mno-relax -Os \
        -ffreestanding -fno-common -fno-tree-loop-distribute-patterns -Wall -Wextra -Werror \
        -Wno-main -nostdlib -static -s -Wl,--build-id=none -Wl,--no-warn-rwx-segments \
        -T tests/firmware/riscv-isa/link.ld "$here/start.S" "$here/main.c" -o "$here/$1.elf"
}
build riscv-sweep-rv64 rv64imafdc_zicsr_zifencei lp64
build riscv-sweep-rv32 rv32imafdc_zicsr_zifencei ilp32
