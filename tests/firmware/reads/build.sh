#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/reads/reads.elf -Og tests/firmware/reads/reads.c
