"""Tasks of a real-time operating system, as they are in the guest's memory at one moment.

`provider.py` is what one plug-in per system offers, `find.py` which of them a machine has,
`debug.py` and `values.py` read what its variables are made of from debug information, `cortexm.py`
knows how that processor leaves registers on a stack. Nothing here writes, and whatever memory
holds, the answer is tasks, or `Implausible`.
"""
