#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/virtio-input/virtio-input.elf -Og tests/firmware/virtio-input/virtio-input.c tests/firmware/common/virtio.c
