"""The parts of moving in time: `ttd.timeline.Timeline` is what they make together."""
