#!/bin/sh
common=tests/firmware/common
exec "$(dirname "$0")/../common/cc" tests/firmware/virtio-net/virtio-net.elf -Og \
    tests/firmware/virtio-net/virtio-net.c $common/ip.c $common/virtio.c
