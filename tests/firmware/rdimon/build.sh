#!/bin/sh
# A plain newlib program, linked for where its toolchain puts it (0x8000).
# Without debug information: most of it would be that of newlib, as its packager built it.
set -eu
cd "$(dirname "$0")/../../.."
exec arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -Og -Wall -Wextra -Werror \
    -ffile-prefix-map="$PWD"=. -Wl,--build-id=none,--strip-debug --specs=rdimon.specs \
    tests/firmware/rdimon/rdimon.c -o tests/firmware/rdimon/rdimon.elf
