#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/sleeps/sleeps.elf -Og tests/firmware/sleeps/sleeps.c tests/firmware/common/virtio.c
