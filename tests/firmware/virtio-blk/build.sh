#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/virtio-blk/virtio-blk.elf -Og tests/firmware/virtio-blk/virtio-blk.c tests/firmware/common/virtio.c
