"""Where a value came from: backwards through instructions, memory and devices."""
