# Birth and death of the simulated board: why it started, who it is, how it stops.
# Death is real: the process kills itself, so no `finally` and no bare `except` of the firmware
# runs after it, as after a reset. What must survive (plant, counters) is handed over first.
import os

import kernel
import micropython

_job = {"cause": "power", "uid": "e661000000000000"}
_before = []  # called with the cause before the process dies


def begin(job):
    _job.update(job)


def cause():
    # "power", "watchdog", "reset"
    return _job["cause"]


def unique_id():
    text = _job["uid"]
    return bytes([int(text[i : i + 2], 16) for i in range(0, 16, 2)])


def before_leaving(f):
    _before.append(f)


def leave(cause):
    if kernel.words[kernel.IN_IRQ]:
        micropython.heap_unlock()  # a handler resets: what follows allocates
    for f in _before:
        f(cause)
    while True:
        os.system("kill -9 $PPID")


def watchdog():
    leave("watchdog")


kernel.on_watchdog(watchdog)
