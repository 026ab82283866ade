"""Captures of the packets of a run."""
