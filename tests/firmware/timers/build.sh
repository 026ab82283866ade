#!/bin/sh
set -eu
cd "$(dirname "$0")/../../.."
here=tests/firmware/timers
build() {
    name=$1
    shift
    arm-none-eabi-gcc "$@" -mthumb -ffreestanding -nostdlib -fno-common -Wall -Wextra -Werror -O1 -g \
        -ffile-prefix-map="$PWD"=. -T tests/firmware/microbit/microbit.ld -Wl,--build-id=none \
        $here/timers.c -lgcc -o "$here/$name.elf"
}
build timers-mps2 -mcpu=cortex-m3
build timers-microbit -mcpu=cortex-m0 -DMICROBIT
