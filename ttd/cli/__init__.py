"""The `ttd` command."""
