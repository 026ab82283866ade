#!/bin/sh
set -eu
cd "$(dirname "$0")/../../.."
program=crash here=tests/firmware/crash
. tests/firmware/common/four-boards
flags="-O1 -g -ffile-prefix-map=$PWD=."
bare mps2 $flags "-DALONE='p'"
mv $here/crash-mps2.elf $here/crash.elf
for board in mps2 microbit virt virt32; do
    bare $board $flags
done
