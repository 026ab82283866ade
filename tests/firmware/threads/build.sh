#!/bin/sh
set -eu
here=tests/firmware/threads
for system in freertos zephyr riot; do
    "$(dirname "$0")/../common/cc" "$here/$system.elf" -Og -I "$here" "$here/app.c" "$here/$system.c"
done
