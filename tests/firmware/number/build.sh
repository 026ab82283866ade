#!/bin/sh
set -eu
cd "$(dirname "$0")/../../.."
program=number here=tests/firmware/number
. tests/firmware/common/four-boards
for board in mps2 microbit virt virt32; do
    bare $board -O1 -g -fno-tree-loop-distribute-patterns "-ffile-prefix-map=$PWD=."
done
