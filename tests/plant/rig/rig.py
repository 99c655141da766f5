# A machine for control tests: the firmware's tick on the simulated board and plant, without the
# background (no flash, no network). Runs under MicroPython; one half-cycle is one tick.
# Truth is read from the plant, never from the firmware.
import hx711
import kernel
import live as names
import wiring
from kernel import words as clock
from plant import Plant
from plant import words as pw

import board


def plant_data(root):
    scope = {}
    with open("%s/boards/coffee_%s/plant.py" % (root, board.MODEL)) as f:
        exec(f.read(), scope)
    return scope["PLANT"]


class Rig:
    def __init__(self, root, seed=1, params=None, tune=None, latched=0,
                 safe_mode=False, warm=False, wish=False):
        # warm: boilers begin at their set-points (a jump later would be a sensor fault)
        kernel.reset_state()
        self.plant = Plant(plant_data(root), seed=seed, params=params)
        if warm:
            self._warm()
        wiring.connect(board, self.plant, pw)
        hx711.attach(board, self.plant, pw)
        for k in range(len(hx711._state)):
            hx711._state[k] = 0  # its clock began with the last rig's
        for k, v in enumerate((0, 0, 0, 1)):
            wiring.switches[k] = v
        self.live = names.Live()
        self._firmware(tune, latched, safe_mode, wish)
        self.event = bytearray(0)
        self.watch = None  # called after each tick

    def _firmware(self, tune, latched, safe_mode, wish=False):
        from hal import Hal
        from plan import Plan
        from tick import Tick

        self.remote, self.button = Plan(), Plan()
        self.tick = Tick(self.live, Hal(), self.remote, self.button, latched=latched,
                         safe_mode=safe_mode, tune=tune, wish=wish)
        self.begin()

    def begin(self, pause_us=0):
        from machine import Timer

        clock[kernel.NOW] += pause_us
        self.timer = Timer(period=10, mode=Timer.PERIODIC, callback=self.tick.step, hard=True)

    # --- time
    def run(self, ms):
        live = self.live
        until = clock[kernel.NOW] + ms * 1000
        watch = self.watch
        seen = live.ticks
        while clock[kernel.NOW] < until:
            kernel.idle()  # ends at any interrupt, a pulse of the flow meter too
            if live.ticks != seen:
                seen = live.ticks
                live.beat += 1
                if watch:
                    watch(self)
        if self.tick.broken:
            raise self.tick.broken

    def until(self, state, limit_ms=600000):
        want = names.STATE_NAMES.index(state)
        gone = 0
        while self.live.state != want:
            if gone > limit_ms:
                raise RuntimeError("no %s after %d ms but %s, alarms %s" % (
                    state, limit_ms, self.state(), self.alarms()))
            self.run(100)
            gone += 100
        return gone

    # --- hands
    def _warm(self):
        self.plant.set("temp_brew_mc", board.BREW_DEFAULT_MC)
        if board.STEAM_BOILER:
            self.plant.set("temp_steam_mc", board.STEAM_DEFAULT_MC)

    def settle(self):
        # to ready and through the minute in which the elements find their idle heat
        self.until("ready")
        self.run(60000)

    def press(self, name, ms=100):
        wiring.press(name, 1)
        self.run(ms)
        wiring.press(name, 0)
        self.run(50)

    def ask(self, request, arg=0, arg2=0, source=0):
        live = self.live
        live.request_arg, live.request_arg2, live.request_source = arg, arg2, source
        live.request = request
        self.run(20)
        return live.answer

    # --- looking
    def truth(self, name):
        return self.plant.t[pw.T_NAMES.index(name)]

    def state(self):
        return names.STATE_NAMES[self.live.state]

    def alarms(self):
        mask = self.live.alarms | self.live.latched
        return [n for k, n in enumerate(names.ALARM_NAMES) if mask >> k & 1]

    def shot(self):
        # the summary of the last finished shot
        n = len(names.SHOT_WORDS)
        at = (self.live.shots_done % names.SHOTS_KEPT) * n
        return dict(zip(names.SHOT_WORDS, self.live.shots[at:at + n]))
