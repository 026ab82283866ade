"""Questions about a recorded run: each a function of a `Past` that gives rows, each a file."""
