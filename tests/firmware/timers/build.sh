#!/bin/sh
set -eu
cd "$(dirname "$0")/../../.."
here=tests/firmware/timers
build() {
    name=$1 source=$2
    shift 2
    arm-none-eabi-gcc "$@" -mthumb -ffreestanding -nostdlib -fno-common -Wall -Wextra -Werror -O1 -g \
        -ffile-prefix-map="$PWD"=. -T tests/firmware/microbit/microbit.ld -Wl,--build-id=none \
        $here/$source.c -lgcc -o "$here/$name.elf"
}
build timers-mps2 timers -mcpu=cortex-m3
build timers-microbit timers -mcpu=cortex-m0 -DMICROBIT
build straight straight -mcpu=cortex-m3
