"""The border to the outside world: QEMU's `replay.h`, with its names.

`Replay` is what a machine talks to; the file behind it is `ttd.recording`'s.
"""
