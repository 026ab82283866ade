#!/bin/sh
# Paths are as seen from the top of the repository, as in common/cc.
set -eu
here=tests/firmware/threads
for system in freertos zephyr riot; do
    "$(dirname "$0")/../common/cc" "$here/$system.elf" -Og -I "$here" -I "$here/cortexm" \
        "$here/app.c" "$here/$system.c"
done

cd "$(dirname "$0")/../../.."
gcc_home=$(dirname "$(riscv64-unknown-elf-gcc -print-libgcc-file-name)")
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
build() { # NAME ARCH ABI
    for source in riscv/start.S riscv/port.c app.c freertos.c; do
        riscv64-unknown-elf-gcc -march="$2" -mabi="$3" -mcmodel=medany -mno-relax -Og -g -gz \
            -ffreestanding -fno-common -Wall -Wextra -Werror -ffile-prefix-map="$PWD"=. \
            -ffile-prefix-map="$gcc_home"=gcc -Wa,--debug-prefix-map="$PWD"=. \
            -I "$here" -I "$here/riscv" -c "$here/$source" -o "$objects/$(basename "${source%.*}").o"
    done
    (cd "$objects" && riscv64-unknown-elf-gcc -march="$2" -mabi="$3" -nostdlib -static \
        -Wl,--build-id=none -Wl,--no-warn-rwx-segments -T "$OLDPWD/$here/riscv/link.ld" \
        start.o port.o app.o freertos.o -o out.elf)
    cp "$objects/out.elf" "$here/$1.elf"
}
build freertos-rv64 rv64imac_zicsr lp64
build freertos-rv32 rv32imac_zicsr ilp32
