# Drives a plant through everything it can do, the same way under MicroPython and CPython: prints
# nothing, imports nothing but what both have. Used by the tests of arithmetic and allocation.
# a fault and the most of it that is drawn
FAULTS = (
    ("sensor_open_brew", 1), ("sensor_short_brew", 1), ("sensor_drift_brew", 2000),
    ("sensor_noise_brew", 2000), ("stuck_ssr_brew", 2), ("stuck_ssr_steam", 2),
    ("scaled_heater_brew", 2000), ("pump_broken", 1), ("stuck_valve_brew", 2),
    ("stuck_flowmeter", 1), ("empty_tank", 1), ("scale_stuck", 1), ("no_puck", 1),
    ("blocked_puck", 1), ("puck_step", 2000),
)
ERRORS = ("capacity", "power", "element_lag", "compliance", "puck_resistance", "pump_free", "loss")


class Driver:
    """Outputs and accidents drawn from `seed`; advance(n) runs n steps."""

    def __init__(self, plant, seed, accidents=True):
        self.plant = plant
        self._x = seed * 2654435761 & 0x7FFFFFFF | 1
        self._accidents = accidents
        self._known = plant.fault_names()
        self._fault = None
        self._left = 0
        self.sum = 0  # of everything a controller could see
        plant.set("temp_brew_mc", 90000)
        plant.set("temp_steam_mc", 120000)

    def draw(self, n):
        self._x = (self._x * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._x >> 8) % n

    def advance(self, steps):
        plant = self.plant
        y = plant.y
        for _ in range(steps):
            if self._left == 0:
                self._left = 20 + self.draw(400)
                self._turn(plant)
            self._left -= 1
            plant.step()
            s = self.sum
            for i in range(4):
                s = s * 31 + plant.adc(i) & 0xFFFFFFF
            for i in range(len(y)):
                s = s * 31 + y[i] & 0xFFFFFFF
            self.sum = s

    def _turn(self, plant):
        u = plant.u
        u[0] = self.draw(2)
        u[1] = self.draw(2)
        u[2] = self.draw(4) * 250 + self.draw(250)
        for i in range(3, 8):
            u[i] = self.draw(2)
        u[9] = 850 + self.draw(300)
        if not self._accidents:
            return
        if self._fault:
            plant.fault(self._fault, 0)
            self._fault = None
        k = self.draw(6)
        if k == 0:
            fitted = [one for one in FAULTS if one[0] in self._known]
            self._fault, most = fitted[self.draw(len(fitted))]
            plant.fault(self._fault, 1 + self.draw(most))
        elif k == 1:
            plant.set("times_" + ERRORS[self.draw(len(ERRORS))], 500 + self.draw(1500))
        elif k == 2:
            plant.set("cup", self.draw(2))
            plant.set("tank", 1)
        elif k == 3:
            plant.new_puck()
