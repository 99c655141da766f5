# The physical machine around the controller: boilers, pump, group, puck, cup, sensors. Integers
# only, no allocation in a step, the same bits under MicroPython and CPython. Nothing of the
# firmware and no peripheral of the chip may enter; a machine's figures stand in boards/.
from .plant import Plant  # noqa: F401
