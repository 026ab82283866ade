#!/bin/sh
set -eu
cd "$(dirname "$0")"
arm() { # NAME OPTION...
    name=$1
    shift
    arm-none-eabi-gcc -mthumb -masm-syntax-unified "$@" -O1 -ffreestanding -nostdlib -static -fno-common -Wall -Wextra \
        -Werror -Wl,--build-id=none -Wl,--no-warn-rwx-segments -T soak-arm.ld soak-arm.c -lgcc \
        -o "$name.elf"
}
arm soak-m3 -mcpu=cortex-m3 -DTIMERS
arm soak-m0 -mcpu=cortex-m0
