#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/selfmod/selfmod.elf -O1 tests/firmware/selfmod/selfmod.c
