#!/bin/sh
set -eu
cd "$(dirname "$0")/../../.."
here=tests/firmware/microbit
exec arm-none-eabi-gcc -mcpu=cortex-m0 -mthumb -ffreestanding -nostdlib -fno-common -Wall -Wextra \
    -Werror -Os -g -ffile-prefix-map="$PWD"=. -T $here/microbit.ld -Wl,--build-id=none \
    $here/microbit.c -lgcc -o $here/microbit.elf
