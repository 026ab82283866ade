#!/bin/sh
# Paths are as seen from the top of the repository, as in common/cc.
set -eu
cd "$(dirname "$0")/../../.."
here=tests/firmware/riscv-isa
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
build() { # NAME ARCH ABI
    for source in start.S ops.S main.c; do
        riscv64-unknown-elf-gcc -march="$2" -mabi="$3" -mcmodel=medany -mno-relax -Os \
            -ffreestanding -fno-common -fno-tree-loop-distribute-patterns -Wall -Wextra -Werror \
            -Wno-main -c "$here/$source" -o "$objects/${source%.*}.o"
    done
    riscv64-unknown-elf-gcc -march="$2" -mabi="$3" -nostdlib -static -s -Wl,--build-id=none \
        -Wl,--no-warn-rwx-segments -T "$here/link.ld" "$objects/start.o" "$objects/ops.o" \
        "$objects/main.o" -lgcc -o "$here/$1.elf"
}
build riscv-isa-rv64 rv64imafdc_zicsr_zifencei lp64
build riscv-isa-rv32 rv32imafdc_zicsr_zifencei ilp32
