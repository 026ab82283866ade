#!/bin/sh
exec "$(dirname "$0")/../common/cc" tests/firmware/echo/echo.elf -Og tests/firmware/echo/echo.c
