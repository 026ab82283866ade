#!/bin/sh
# Paths are as seen from the top of the repository, as in common/cc.
set -eu
cd "$(dirname "$0")/../../.."
here=tests/firmware/rtos
gcc_home=$(dirname "$(riscv64-unknown-elf-gcc -print-libgcc-file-name)")
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
build() { # NAME ARCH ABI
    for source in start.S kernel.c space.c super.c user.c; do
        riscv64-unknown-elf-gcc -march="$2" -mabi="$3" -mcmodel=medany -mno-relax -Og -g -gz \
            -ffreestanding -fno-common -Wall -Wextra -Werror -ffile-prefix-map="$PWD"=. \
            -ffile-prefix-map="$gcc_home"=gcc -Wa,--debug-prefix-map="$PWD"=. \
            -c "$here/$source" -o "$objects/${source%.*}.o"
    done
    (cd "$objects" && riscv64-unknown-elf-gcc -march="$2" -mabi="$3" -nostdlib -static \
        -Wl,--build-id=none -Wl,--no-warn-rwx-segments -T "$OLDPWD/$here/link.ld" \
        start.o kernel.o space.o super.o user.o -o out.elf)
    cp "$objects/out.elf" "$here/$1.elf"
}
build rtos-rv64 rv64imac_zicsr lp64
build rtos-rv32 rv32imac_zicsr ilp32
