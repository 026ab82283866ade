#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/net-echo/net-echo.elf -Og \
    tests/firmware/net-echo/net-echo.c tests/firmware/common/lan9118.c
