#!/bin/sh
set -e
here=tests/firmware/faults
"$(dirname "$0")/../common/cc" $here/faults.elf -O1 -Wno-unused-function $here/faults.c
exec "$(dirname "$0")/../common/cc" $here/lockup.elf -O1 -Wno-unused-function -DLOCKUP $here/faults.c
