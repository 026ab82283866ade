#!/bin/sh
set -eu
cd "$(dirname "$0")/../../.."
here=tests/firmware/unseen
build() { # NAME CODE DATA COMPILER...
    name=$1 code=$2 data=$3
    shift 3
    "$@" -O1 -g -ffreestanding -nostdlib -static -fno-common -Wall -Wextra -Werror \
        -ffile-prefix-map="$PWD"=. -Wl,--build-id=none -Wl,--defsym,CODE="$code" \
        -Wl,--defsym,DATA="$data" -Wl,--no-warn-rwx-segments -T $here/unseen.ld $here/unseen.c -lgcc \
        -o "$here/unseen-$name.elf"
}
virt="-Wl,--no-relax -DVIRTIO=0x10001000 -DVIRTIO_STEP=0x1000 -mcmodel=medany"
build mps2 0 0x20000000 arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -DVIRTIO=0x40100000 -DVIRTIO_STEP=0x1000
build microbit 0 0x20000000 arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb -DNVMC
build virt 0x80000000 0x80100000 riscv64-unknown-elf-gcc -march=rv64imac_zicsr -mabi=lp64 $virt
build virt32 0x80000000 0x80100000 riscv64-unknown-elf-gcc -march=rv32imac_zicsr -mabi=ilp32 $virt
