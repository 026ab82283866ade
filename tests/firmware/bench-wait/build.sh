#!/bin/sh
# idle.elf: a minute; hour.elf: an hour; console.elf: 300 000 characters.
set -eu
build() {
    "$(dirname "$0")/../common/cc" "tests/firmware/bench-wait/$1.elf" -O2 -DTICKS="$2" -DLINES="$3" \
        tests/firmware/bench-wait/wait.c
}
build idle 60000 0
build hour 3600000 0
build console 0 10000
