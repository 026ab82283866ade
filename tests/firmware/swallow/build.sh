#!/bin/sh
set -eu
cd "$(dirname "$0")/../../.."
program=swallow here=tests/firmware/swallow
. tests/firmware/common/four-boards
bare mps2 -Os -s -DPL011
mv $here/swallow-mps2.elf $here/swallow-pl011.elf
for board in mps2 microbit virt virt32; do
    bare $board -Os -s
done
