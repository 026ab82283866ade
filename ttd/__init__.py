"""ttd: a time-travel debugging server for whole machines."""

__version__ = "0.1.0"
