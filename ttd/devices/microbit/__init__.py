"""What is on the BBC micro:bit beside its nRF51822: lights, buttons, motion sensors."""
