#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/irqs/irqs.elf -O1 tests/firmware/irqs/irqs.c
