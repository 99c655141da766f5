# Cleaning programmes: board.CLEAN_PROGRAMMES played step by step. A step asks for valves and pump;
# interlocks may end the programme at any tick.
import board
import interlocks as il
import live as names
from hal import VALVE_BREW, VALVE_STEAM, VALVE_WATER
from plan import ABSENT, MODE_POWER

_VALVES = {"": 0, "brew": VALVE_BREW, "steam": VALVE_STEAM, "water": VALVE_WATER}
_DONE = (0, 2, 1)  # index into live.MAINT_NAMES by index into live.CLEAN_NAMES


def _compile(programme):
    if programme is None:
        return None
    heat, repeats, steps = programme
    return heat, repeats, tuple((_VALVES[v], pump, ms) for v, pump, ms in steps)


class Cleaning:
    def __init__(self, live, interlocks, hal, hydraulics):
        self._live = live
        self._il = interlocks
        self._hal = hal
        self._hyd = hydraulics
        self._programmes = tuple(_compile(p) for p in board.CLEAN_PROGRAMMES)
        self._which = 0
        self._programme = None
        self._step = 0
        self._round = 0
        self._ms = 0
        self.heat = True

    def offered(self, which):
        return 0 <= which < len(self._programmes) and self._programmes[which] is not None

    def start(self, which):
        self._which = which
        self._programme = self._programmes[which]
        self.heat = self._programme[0]
        self._round = 0
        self._go(0)

    def _go(self, step):
        self._step = step
        self._ms = 0
        self._hyd.go(MODE_POWER, self._programme[2][step][1], 0, ABSENT)

    def step(self):
        # False: the programme is over
        if self._il.blocked(il.NO_WATER):
            self.stop()
            return False
        valve, _, ms = self._programme[2][self._step]
        if valve:
            self._hal.out[valve] = 1
        self._ms += 10
        return self._ms < ms or self._advance()

    def _advance(self):
        step = self._step + 1
        if step == len(self._programme[2]):
            step = 0
            self._round += 1
            if self._round == self._programme[1]:
                self.stop()
                self._live.put(names.EV_MAINT, _DONE[self._which], 0)
                return False
        self._go(step)
        return True

    def stop(self):
        self._hyd.stop()
        self.heat = True
