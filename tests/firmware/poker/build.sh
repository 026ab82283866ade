#!/bin/sh
set -eu
cd "$(dirname "$0")/../../.."
program=poker here=tests/firmware/poker
. tests/firmware/common/four-boards
for board in mps2 microbit virt virt32; do
    bare $board -Os -s
done
