#!/bin/sh
set -eu
cc=$(dirname "$0")/../common/cc
"$cc" tests/firmware/talk/talk-uart.elf -Og tests/firmware/talk/talk.c
"$cc" tests/firmware/talk/talk-console.elf -Og -DCONSOLE tests/firmware/talk/talk.c
