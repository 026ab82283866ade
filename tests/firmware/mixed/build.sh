#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/mixed/mixed.elf -Og tests/firmware/mixed/mixed.c tests/firmware/common/virtio.c
