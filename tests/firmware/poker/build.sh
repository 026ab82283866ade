#!/bin/sh
set -eu
cd "$(dirname "$0")/../../.."
here=tests/firmware/poker
build() { # NAME CODE DATA COMPILER...
    name=$1 code=$2 data=$3
    shift 3
    "$@" -Os -ffreestanding -nostdlib -static -fno-common -Wall -Wextra -Werror -s \
        -Wl,--build-id=none -Wl,--defsym,CODE="$code" -Wl,--defsym,DATA="$data" \
        -Wl,--no-warn-rwx-segments -T $here/poker.ld $here/poker.c -lgcc -o "$here/poker-$name.elf"
}
build mps2 0 0x20000000 arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb
build microbit 0 0x20000000 arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb
build virt 0x80000000 0x80100000 riscv64-unknown-elf-gcc -march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany
build virt32 0x80000000 0x80100000 riscv64-unknown-elf-gcc -march=rv32imac_zicsr -mabi=ilp32 -mcmodel=medany
