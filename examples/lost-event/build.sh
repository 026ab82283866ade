#!/bin/sh
# Build the ELF from the top of the repository, so that GDB started there finds the source.
set -eu
cd "$(dirname "$0")/../.."
here=examples/lost-event
gcc_home=$(dirname "$(arm-none-eabi-gcc -print-libgcc-file-name)")
arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -Og -g -Wall -Wextra -Werror -ffreestanding -nostdlib \
    -ffile-prefix-map="$PWD"=. -ffile-prefix-map="$gcc_home"=gcc -Wl,--build-id=none \
    -T $here/link.ld $here/lost-event.c -lgcc -o $here/lost-event.elf
