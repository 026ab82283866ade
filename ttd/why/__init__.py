"""Why the machine is where it is: what a handler of a fault or an interrupt goes back to."""

from ttd.why.explain import Explainer

__all__ = ["Explainer"]
