"""The recording file: what is in it, how it is written and how it is believed.

`Recording` is the file, `EventLog` the events in it.
"""
