#!/bin/sh
# The program, and with "expected" as argument what it prints on this computer's own processor.
set -eu
here=$(dirname "$0")
flags="-I$here/../common -O2 -ffreestanding -fno-builtin -fno-pic -no-pie -mno-red-zone -ffp-contract=off
    -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables
    -fno-tree-loop-distribute-patterns -Wall -Wextra -Werror"
sources="$here/../common/lines.c $here/main.c $here/integers.c $here/strings.c $here/vectors.c $here/floats.c $here/x87.c"

if [ "${1:-}" = expected ]; then
    program=$(mktemp)
    trap 'rm -f "$program"' EXIT
    x86_64-linux-gnu-gcc $flags -o "$program" "$here/host.c" $sources
    "$program" >"$here/expected.txt"
    exit
fi
x86_64-linux-gnu-gcc $flags -nostdlib -static -s -Wl,-N,-Ttext=0x100000,--build-id=none \
    -Wl,--no-warn-rwx-segments -o "$here/x86-isa.elf" "$here/start.S" "$here/bare.c" $sources
