#!/bin/sh
# Paths are as seen from the top of the repository, as in common/cc.
set -eu
cd "$(dirname "$0")/../../.."
here=tests/firmware/cortexm-isa
build() { # CPU SIZE-OF-RAM
    arm-none-eabi-gcc -mcpu="$1" -mthumb -mfloat-abi=soft -masm-syntax-unified -Os -ffreestanding -fno-common \
        -fno-tree-loop-distribute-patterns -Wall -Wextra -Werror -nostdlib -static -s \
        -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,--defsym=RAM_SIZE="$2" \
        -T "$here/link.ld" "$here/ops.S" "$here/main.c" "$here/system.c" -lgcc \
        -o "$here/cortexm-isa-${1#cortex-}.elf"
}
build cortex-m3 0x10000
build cortex-m0 0x4000
