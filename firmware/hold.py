# The board in the hands of whoever is at the cable: outputs off, no watchdog, no machine. A hold
# is for once and ends by itself: a pulled cable must not leave a machine that stands still.
import os
import time

import resets
from machine import Timer, reset
from micropython import const

_FILE = "hold"
_LEASE_MS = const(60000)
_REQ_STANDBY = const(4)  # of live.py
_due = 0
_timer = None


def wanted():
    return _FILE in os.listdir()


def begin():
    # After this the prompt is the cable's, and the wish is used up: the next start is normal. A
    # Ctrl-C may end this anywhere; the cable begins again then, as long as there is the file.
    global _timer
    renew()
    if not _timer:
        _timer = Timer(period=1000, mode=Timer.PERIODIC, callback=_look)
    try:
        os.remove(_FILE)
    except OSError:
        pass  # nobody wished it: interrupted()
    print("coffee: held")


def interrupted(app):
    # Ctrl-C gave the prompt. With the watchdog on it ends the machine in 5 s, and that is then no
    # failure of ours; before, nobody else would start it again.
    if hasattr(app, "tick"):
        app.mailbox.ask(_REQ_STANDBY)  # ends a refill, too, which would let nobody write
        with app.mailbox.quiet():
            resets.plan_reset(app.clock.uptime_ms())
        print("coffee: stopped; starts again in 5 s")
    else:
        begin()


def renew():
    # each command from the cable prolongs it
    global _due
    _due = time.ticks_add(time.ticks_ms(), _LEASE_MS)


def held():
    return _timer is not None


def request(app=None):
    # Of the machine that was interrupted (main.app): start again, held. A shot is not interrupted
    # (App.run), so outputs may be off for the moment of writing.
    if app:
        with app.mailbox.quiet():
            _mark(app.clock.uptime_ms())
    else:
        _mark(0)
    reset()


def _mark(uptime_ms):
    resets.plan_reset(uptime_ms)
    with open(_FILE, "w"):
        pass


def release():
    # start the machine; a planned reset, whatever the chip calls it
    if not resets.planned():
        resets.plan_reset(0)
    reset()


def _look(timer):
    if time.ticks_diff(time.ticks_ms(), _due) >= 0:
        release()
