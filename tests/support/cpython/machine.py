"""Names the firmware imports from `machine`: CPython tests import what needs no pin."""

ADC = PWM = Pin = SoftSPI = None
