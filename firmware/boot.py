# The first instructions after any reset: every output low, before anything else is imported or
# can fail. Only the way to the board's data, that data and machine.Pin may enter here.
import versions

versions.mount()
import board
from machine import Pin

for _role in (
    "SAFETY_RELAY", "HEATER_BREW", "HEATER_STEAM", "PUMP", "GRINDER",
    "VALVE_REFILL", "VALVE_STEAM", "VALVE_WATER", "VALVE_BREW",
):
    _pin = getattr(board, _role)
    if _pin is not None:
        Pin(_pin, Pin.OUT, value=0)
