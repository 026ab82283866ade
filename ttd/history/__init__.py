"""Lines of history: places in them, and how a machine gets from one to another."""
