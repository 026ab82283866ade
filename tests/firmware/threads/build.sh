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
build() { # SYSTEM BITS ARCH ABI DEFINE...
    system=$1 bits=$2 arch=$3 abi=$4
    shift 4
    for source in riscv/start.S riscv/port.c app.c "$system.c"; do
        riscv64-unknown-elf-gcc "$@" -march="$arch" -mabi="$abi" -mcmodel=medany -mno-relax -Og -g -gz \
            -ffreestanding -fno-common -Wall -Wextra -Werror -ffile-prefix-map="$PWD"=. \
            -ffile-prefix-map="$gcc_home"=gcc -Wa,--debug-prefix-map="$PWD"=. \
            -I "$here" -I "$here/riscv" -c "$here/$source" -o "$objects/$(basename "${source%.*}").o"
    done
    (cd "$objects" && riscv64-unknown-elf-gcc -march="$arch" -mabi="$abi" -nostdlib -static \
        -Wl,--build-id=none -Wl,--no-warn-rwx-segments -T "$OLDPWD/$here/riscv/link.ld" \
        start.o port.o app.o "$system.o" -o out.elf)
    cp "$objects/out.elf" "$here/$system-rv$bits.elf"
}
kernel() { # SYSTEM DEFINE...
    system=$1
    shift
    build "$system" 64 rv64imac_zicsr lp64 "$@"
    build "$system" 32 rv32imac_zicsr ilp32 "$@"
}
kernel freertos -DCURRENT=pxCurrentTCB
kernel riot -DCURRENT=sched_active_thread
kernel zephyr
