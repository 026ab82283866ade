#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/tasks/tasks.elf -O1 tests/firmware/tasks/tasks.c
