"""Peripherals of the nRF51 series: nRF51 Series Reference Manual, version 3.0."""
