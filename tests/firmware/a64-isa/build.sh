#!/bin/sh
# The program, and with "expected" as argument what it prints in QEMU (qemu-aarch64, Debian's qemu-user).
set -eu
here=$(dirname "$0")
flags="-I$here/../common -O2 -march=armv8-a+crc+crypto -ffreestanding -fno-builtin -fno-pic -no-pie -static
    -ffp-contract=off -fno-stack-protector -fno-asynchronous-unwind-tables
    -fno-tree-loop-distribute-patterns -fno-tree-vectorize -Wall -Wextra -Werror"
sources="$here/../common/lines.c $here/main.c $here/integers.c $here/memory.c $here/floats.c $here/vectors.c"

if [ "${1:-}" = expected ]; then
    program=$(mktemp)
    trap 'rm -f "$program"' EXIT
    aarch64-linux-gnu-gcc $flags -nostdlib -o "$program" "$here/host.c" $sources
    qemu-aarch64 -cpu cortex-a72 "$program" >"$here/expected.txt"
    exit
fi
aarch64-linux-gnu-gcc $flags -nostdlib -s -Wl,-N,-Ttext=0x40000000,--build-id=none \
    -Wl,--no-warn-rwx-segments -o "$here/a64-isa.elf" "$here/start.S" "$here/bare.c" $sources
