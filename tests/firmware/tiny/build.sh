#!/bin/sh
# Run from anywhere; `make firmware` does.
set -eu
cd "$(dirname "$0")/../../.."
exec arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -Og -g -ffreestanding -nostdlib \
    -Wall -Wextra -Werror -fdebug-prefix-map="$PWD"=. \
    -T tests/firmware/tiny/link.ld -o tests/firmware/tiny/tiny.elf tests/firmware/tiny/tiny.c
