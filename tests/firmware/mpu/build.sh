#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/mpu/mpu.elf -O1 tests/firmware/mpu/mpu.c
