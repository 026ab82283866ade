#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/power/power.elf -Og tests/firmware/power/power.c
