# Why the board started, how often, and what a reset must not wipe out: the boot number, the
# latched alarms, the watchdog resets of the last ten minutes. Used before all else that writes.
# There is no clock across a reset, so time here is uptime that was noted on flash: too short
# rather than too long, and a storm is seen rather than missed.
import json

import files
import machine
from micropython import const

_FILE = "resets"
_LATCHED = "latched"
_PLANNED = "planned"  # the board was reset on purpose: rp2 calls that a watchdog reset, too
_STORM = const(3)  # watchdog resets
_WINDOW_MS = const(600000)
_NOTE_MS = const(60000)  # while there are recent resets, uptime is noted so often
_SELDOM_MS = const(3600000)  # else
RESET_STORM = const(1 << 21)  # bit of live.ALARM_NAMES


class Resets:
    # cause: "power", "watchdog", "reset"; None: as the chip says.
    def __init__(self, cause=None):
        self.cause = cause or _cause()
        kept = _read(_FILE) or {}
        self.boot = kept.get("boot", 0) + 1
        self.previous_uptime_ms = _planned_uptime(kept.get("uptime_ms"))
        self._ages_ms = self._recent(kept)  # of the watchdog resets: how long ago
        self.latched = int(files.read(_LATCHED) or 0)
        self.safe_mode = len(self._ages_ms) >= _STORM or self.latched & RESET_STORM != 0
        self._noted_ms = 0
        self._write(None)
        files.remove(_PLANNED)

    def _recent(self, kept):
        passed = kept.get("uptime_ms") or 0
        ages = [age + passed for age in kept.get("ages_ms", ())]
        if self.cause == "watchdog":
            ages.append(0)
        return [age for age in ages if age < _WINDOW_MS][-_STORM:]

    def _write(self, uptime_ms):
        kept = {"boot": self.boot, "uptime_ms": uptime_ms, "ages_ms": self._ages_ms}
        files.replace(_FILE, files.as_json(kept))

    # --- later, when the flash may be written
    def due(self, uptime_ms):
        return uptime_ms - self._noted_ms >= (_NOTE_MS if self._storm_near() else _SELDOM_MS)

    def _storm_near(self):
        return any(age + self._noted_ms < _WINDOW_MS for age in self._ages_ms)

    def note(self, uptime_ms):
        self._noted_ms = uptime_ms
        self._write(uptime_ms)

    def latches_changed(self, mask):
        return mask != self.latched

    def keep_latches(self, mask):
        files.replace(_LATCHED, b"%d" % mask)
        if self.latched & ~mask & RESET_STORM:
            self._ages_ms = []  # somebody has seen to it
            self._write(self._noted_ms or None)
        self.latched = mask


def plan_reset(uptime_ms):
    # before machine.reset(), so that it counts as a reset and not as a watchdog's
    files.mark(_PLANNED, b"%d" % uptime_ms)


def planned():
    return files.read_one(_PLANNED) is not None


def _cause():
    if machine.reset_cause() == machine.PWRON_RESET:
        return "power"
    return "reset" if files.read_one(_PLANNED) else "watchdog"


def _planned_uptime(noted_ms):
    planned = files.read_one(_PLANNED)
    return int(planned) if planned else noted_ms


def _read(name):
    try:
        return json.loads(files.read(name) or b"null")
    except ValueError:
        return None
