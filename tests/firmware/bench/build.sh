#!/bin/sh
# bench-notimer.elf and bench-systick.elf: the same workload without and with a 1 kHz SysTick.
set -e
cd "$(dirname "$0")"
for systick in 0 1; do
    [ $systick = 1 ] && name=bench-systick || name=bench-notimer
    arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -O2 -fno-inline-functions -g \
        -ffile-prefix-map="$PWD"=. -DSYSTICK=$systick -DITERS=2500 -ffreestanding -nostdlib \
        -T fw.ld fw.c -o $name.elf -lgcc
done
