#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/loops/loops.elf -Og tests/firmware/loops/loops.c
