#!/bin/sh
set -eu
cd "$(dirname "$0")/../../.."
program=unseen here=tests/firmware/unseen
. tests/firmware/common/four-boards
flags="-O1 -g -ffile-prefix-map=$PWD=."
virt="-Wl,--no-relax -DVIRTIO=0x10001000 -DVIRTIO_STEP=0x1000"
bare mps2 $flags -DVIRTIO=0x40100000 -DVIRTIO_STEP=0x1000
bare microbit $flags -DNVMC
bare virt $flags $virt
bare virt32 $flags $virt
