#!/bin/sh
set -eu
cd "$(dirname "$0")"
arm() { # NAME OPTION...
    name=$1
    shift
    arm-none-eabi-gcc -mthumb -masm-syntax-unified "$@" -O1 -ffreestanding -nostdlib -static -fno-common -Wall -Wextra \
        -Werror -Wl,--build-id=none -Wl,--no-warn-rwx-segments -T soak-arm.ld soak-arm.c -lgcc \
        -o "$name.elf"
}
arm soak-m3 -mcpu=cortex-m3 -DTIMERS
arm soak-m0 -mcpu=cortex-m0
riscv() { # NAME ARCH ABI [SOURCE]
    riscv64-unknown-elf-gcc -march="$2" -mabi="$3" -mcmodel=medany -O1 -ffreestanding -nostdlib \
        -static -fno-common -Wall -Wextra -Werror -Wl,--build-id=none -Wl,--no-relax \
        -Wl,--no-warn-rwx-segments -T soak-riscv.ld soak-traps.S "${4:-soak-riscv.c}" -o "$1.elf"
}
riscv soak-rv64 rv64imac_zicsr_zifencei lp64
riscv soak-rv32 rv32imac_zicsr_zifencei ilp32
riscv soak-pages-rv64 rv64imac_zicsr_zifencei lp64 soak-pages.c
riscv soak-pages-rv32 rv32imac_zicsr_zifencei ilp32 soak-pages.c
io() { # NAME STACK OPTION...
    name=$1 stack=$2
    shift 2
    arm-none-eabi-gcc -mthumb -masm-syntax-unified "$@" -O1 -ffreestanding -nostdlib -static -fno-common -Wall -Wextra \
        -Werror -Wl,--build-id=none -Wl,--no-warn-rwx-segments -Wl,--defsym=_stack="$stack" -T soak-arm.ld \
        soak-io.c -lgcc -o "$name.elf"
}
io soak-io-m3 0x20008000 -mcpu=cortex-m3 -DMPS2
io soak-io-pl011 0x20008000 -mcpu=cortex-m3 -DPL011
io soak-io-m0 0x20004000 -mcpu=cortex-m0 -DMICROBIT
