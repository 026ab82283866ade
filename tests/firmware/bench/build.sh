#!/bin/sh
# bench-notimer.elf and bench-systick.elf: the same workload without and with a 1 kHz SysTick; bench-long.elf: eight
# times as long, 10^10 instructions.
set -e
cd "$(dirname "$0")"
build() {
    name=$1 systick=$2 iters=$3
    arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -O2 -fno-inline-functions -g \
        -ffile-prefix-map="$PWD"=. -DSYSTICK=$systick -DITERS=$iters -ffreestanding -nostdlib \
        -T fw.ld fw.c -o $name.elf -lgcc
}
build bench-notimer 0 2500
build bench-systick 1 2500
build bench-long 1 20200
