#!/bin/sh
common=tests/firmware/common
exec "$(dirname "$0")/../common/cc" tests/firmware/net-echo/net-echo.elf -Og \
    tests/firmware/net-echo/net-echo.c $common/ip.c $common/lan9118.c
