#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/calls/calls.elf -Og tests/firmware/calls/calls.c
