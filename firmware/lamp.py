# The little lamp: dark, alight when ready, blinking while an alarm is latched, fast to be found
# among other machines. Its pin hangs on the radio chip, so only the background touches it.
import board
import live as names
from machine import Pin


class Lamp:
    # commands: has identify_until_ms, an uptime
    def __init__(self, live, commands):
        self._live = live
        self._commands = commands
        self._pin = Pin(board.LED, Pin.OUT)
        self._shown = 0

    def step(self, uptime_ms):
        # about ten times a second
        if uptime_ms < self._commands.identify_until_ms:
            wanted = uptime_ms // 100 & 1
        elif self._live.latched:
            wanted = uptime_ms // 1000 & 1
        else:
            wanted = 1 if self._live.state >= names.READY else 0
        if wanted != self._shown:
            self._shown = wanted
            self._pin.value(wanted)
