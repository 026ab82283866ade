"""Semihosting: calls by which a guest reaches the debugger's host."""
