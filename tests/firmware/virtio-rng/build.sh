#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/virtio-rng/virtio-rng.elf -Og tests/firmware/virtio-rng/virtio-rng.c tests/firmware/common/virtio.c
