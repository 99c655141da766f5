# What people and the background ask for: three buttons and the request mailbox. Turns a wish into
# a start, a stop or a refusal; never touches an output.
import interlocks as il
import live as names
from brew import BUTTON, COMMAND, STOPPED
from hal import SW_BREW, SW_STEAM, SW_WATER
from micropython import const
from refusal import (
    BUSY,
    INTERLOCK,
    NOT_STANDING,
    REMOTE_DISABLED,
    SAFE_MODE,
    STANDBY,
    UNSUPPORTED,
    hindrance,
    refusal,
)

_HOLD_MS = const(2000)  # the brew button held in a fault acknowledges it
_QUIET_MS = const(2000)  # up to seven flash erases take less; then the outputs are ours again


class Front:
    def __init__(self, live, interlocks, modes, plan, button):
        self._live = live
        self._il = interlocks
        self._modes = modes
        self._plan = plan
        self._button = button
        self.down = 0  # buttons held
        self._fresh = 0  # pressed in the tick before
        self._no = 0  # why they may not brew, of that tick
        self._held_ms = 0
        self.quiet_ms = 0
        self._do = {
            names.REQ_BREW: self._brew, names.REQ_STOP: self._stop, names.REQ_CLEAN: self._clean,
            names.REQ_STANDBY: self._standby, names.REQ_WAKE: self._wake,
            names.REQ_ACK: self._acknowledge, names.REQ_SETPOINT: self._setpoint,
            names.REQ_QUIET: self._quiet, names.REQ_LOUD: self._loud,
        }

    # --- asked by the tick while there is something: `down`, a request, `quiet_ms`
    def answer(self, live):
        do = self._do.get(live.request)
        live.answer = do(live) if do else UNSUPPORTED
        live.request = names.REQ_NONE

    # --- buttons; now: mask of hal.BUTTONS. Weighed in one tick and answered in the next: both
    # would make the longest tick of all. True: this one has had its share of work.
    def buttons(self, now):
        fresh = self._fresh
        self._fresh = pressed = now & ~self.down
        self.down = now
        if fresh:
            self._pressed(fresh)
        if pressed:
            self._weigh()
        elif now & SW_BREW:
            self._hold()
        else:
            self._modes.shot.doubted = False
        return fresh or pressed

    def _weigh(self):
        self._held_ms = 0
        self._no = refusal(
            self._live, self._il, self._button, names.SOURCE_LOCAL, self._modes.ready)

    def _pressed(self, pressed):
        if self._live.state == names.STANDBY:
            self._modes.sleep(False)
            return
        if pressed & SW_BREW:
            self._brew_pressed()
        if pressed & SW_WATER:
            self._water_pressed()
        if pressed & SW_STEAM and not self._il.blocked(il.NO_WATER | il.STEAM_OUT):
            self._modes.taps.steam_toggle()

    def _hold(self):
        # in two ticks, see buttons()
        self._held_ms += 10
        if self._held_ms == _HOLD_MS:
            self._il.acknowledge(-1)
        elif self._held_ms == _HOLD_MS - 10 and self._modes.shot.doubted:
            self._modes.shot.end(STOPPED, BUTTON)  # this press began it, and did not mean it

    def _brew_pressed(self):
        modes = self._modes
        if modes.shot.running:
            modes.shot.end(STOPPED, BUTTON)
        elif self._live.state == names.CLEANING or self._live.state == names.HOT_WATER:
            modes.stop()
        elif not self._no:
            modes.begin_shot(self._button.words(), names.SOURCE_LOCAL)
            modes.shot.doubted = self._live.latched != 0  # until the button says which

    def _water_pressed(self):
        if self._live.state == names.HOT_WATER:
            self._modes.stop()
        elif not self._occupied() and not self._il.blocked(il.NO_WATER):
            self._modes.water_start()

    def _occupied(self):
        # 0, or why neither hot water nor a programme can begin now
        state = self._live.state
        if state == names.HEATING or state == names.READY or state == names.STEAM:
            return BUSY if self._modes.taps.fill_ms else 0
        if state == names.STANDBY:
            return STANDBY
        if state == names.SAFE_MODE:
            return SAFE_MODE
        return INTERLOCK if state == names.FAULT else BUSY

    # --- requests: 0 or a refusal
    def _brew(self, live):
        modes = self._modes
        no = refusal(live, self._il, self._plan, live.request_source, modes.ready)
        if not no:
            modes.begin_shot(self._plan.words(), live.request_source)
        return no

    def _stop(self, live):
        modes = self._modes
        if modes.shot.running:
            modes.shot.end(STOPPED, COMMAND)
        else:
            modes.boilers.no_tune()
        modes.taps.steaming = False
        modes.stop()
        return 0

    def _clean(self, live):
        if not self._modes.cleaning.offered(live.request_arg):
            return UNSUPPORTED
        if live.request_source == names.SOURCE_REMOTE and not live.remote:
            return REMOTE_DISABLED
        no = self._occupied() or hindrance(self._il)
        if not no:
            self._modes.clean(live.request_arg)
        return no

    def _standby(self, live):
        no = BUSY if self._modes.shot.running or live.state == names.CLEANING else 0
        if not no:
            self._modes.sleep(True)
        return no

    def _wake(self, live):
        self._modes.sleep(False)
        return 0

    def _acknowledge(self, live):
        # still standing: the cause has to go first
        k = live.request_arg
        if k >= 0 and not live.latched >> k & 1:
            return NOT_STANDING
        return INTERLOCK if self._il.acknowledge(k) else 0

    def _setpoint(self, live):
        if self._modes.shot.running:
            return BUSY
        self._modes.setpoints(live.request_arg, live.request_arg2)
        return 0

    def _quiet(self, live):
        # no water may be running; STARTING and ENDING have none
        state = live.state
        if names.PREINFUSION <= state <= names.BREWING or state == names.HOT_WATER:
            return BUSY
        taps = self._modes.taps
        if state == names.CLEANING or taps.fill_ms:
            return BUSY
        if taps.steaming and state != names.STARTING:  # a shot's mark: the wand stays as it is
            return BUSY
        self.quiet_ms = _QUIET_MS
        return 0

    def _loud(self, live):
        self.quiet_ms = 0
        return 0
