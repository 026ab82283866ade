"""ttd: a time-travel debugging server for whole machines."""
