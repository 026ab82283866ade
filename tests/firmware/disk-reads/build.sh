#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/disk-reads/disk-reads.elf -O2 tests/firmware/disk-reads/disk-reads.c tests/firmware/common/virtio.c
