#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/virtio-console/virtio-console.elf -Og \
    tests/firmware/virtio-console/virtio-console.c tests/firmware/common/virtio.c
