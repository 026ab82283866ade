#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/rtc/rtc.elf -Og tests/firmware/rtc/rtc.c tests/firmware/common/virtio.c
