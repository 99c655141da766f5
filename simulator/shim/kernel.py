# Virtual time and interrupts of the simulated board: what happens when, and in which order.
# Time is int microseconds since reset. It moves only here: idle() jumps to the next interrupt,
# advance(us) lets a call last as long as on the board while interrupts are served in it.
# No pins, sockets, flash or plant knowledge: those hook themselves in.
import sys
from array import array

import micropython
from micropython import const

NOW = const(0)  # us since reset
PLANT_DUE = const(1)  # next half-cycle of the mains: the plant steps
TIMER_DUE = const(2)  # earliest Timer
SLOW_DUE = const(3)  # host work: control channel, pacing, releases of buttons
WDT_DUE = const(4)
MASKED = const(5)  # > 0: interrupts are off
IN_IRQ = const(6)
WAKE = const(7)  # an interrupt was served since idle() began
STALL = const(8)  # > 0: a socket waits for an answer the real network has not brought yet

HALF_CYCLE_US = const(10000)
FAR = const(1 << 60)

# "l" is 64 bits on the unix port and reads small ints without allocating ("q" does allocate)
words = array("l", [0, 0, FAR, FAR, FAR, 0, 0, 0, 0])
timers = []  # machine.Timer objects with .due_us .period_us .callback .hard
_hooks = [None, None, None, None]  # plant step, slow work, watchdog, network stall


def _nothing():
    pass


for _i in range(4):
    _hooks[_i] = _nothing


def on_plant_step(f):
    _hooks[0] = f


def on_slow(f):
    _hooks[1] = f


def on_watchdog(f):
    _hooks[2] = f


def on_stall(f):
    _hooks[3] = f


# Takes the earliest event not later than `until`, sets NOW to its time (never back) and says
# which: 0 none, 1 plant, 2 timer, 3 slow, 4 watchdog. Ties: plant first, so a tick sees fresh
# sensors. 64-bit words as two halves: viper loads 32 bits without sign on x64.
@micropython.viper
def _next(w, until: int) -> int:
    p = ptr32(w)
    which = 0
    due = until
    t = (int(p[9]) << 32) | int(p[8])  # WDT_DUE
    if t <= due:
        due = t
        which = 4
    t = (int(p[7]) << 32) | int(p[6])  # SLOW_DUE
    if t <= due:
        due = t
        which = 3
    if not int(p[10]):  # MASKED
        t = (int(p[5]) << 32) | int(p[4])  # TIMER_DUE
        if t <= due:
            due = t
            which = 2
    t = (int(p[3]) << 32) | int(p[2])  # PLANT_DUE
    if t <= due:
        due = t
        which = 1
        t += 10000
        p[2] = t
        p[3] = t >> 32
    if which:
        t = (int(p[1]) << 32) | int(p[0])
        if due > t:
            p[0] = due
            p[1] = due >> 32
    return which


# Adds us to NOW when nothing is due in that span; 0: something is, use the long way.
@micropython.viper
def quick(w, us: int) -> int:
    p = ptr32(w)
    t = ((int(p[1]) << 32) | int(p[0])) + us
    if not int(p[12]):  # IN_IRQ: others stay pending, only time moves
        if t >= ((int(p[3]) << 32) | int(p[2])):
            return 0
        if t >= ((int(p[5]) << 32) | int(p[4])):
            return 0
        if t >= ((int(p[7]) << 32) | int(p[6])):
            return 0
        if t >= ((int(p[9]) << 32) | int(p[8])):
            return 0
    p[0] = t
    p[1] = t >> 32
    return 1


def _serve(which):
    if which == 1:
        _hooks[0]()
        if words[STALL]:
            _hooks[3]()
    elif which == 2:
        _fire_timers()
    elif which == 3:
        words[SLOW_DUE] = FAR
        _hooks[1]()
    else:
        _hooks[2]()


def advance(us):
    # a call of the board that takes `us`, with interrupts served inside it
    if quick(words, us):
        return
    until = words[NOW] + us
    while True:
        which = _next(words, until)
        if not which:
            break
        _serve(which)
    if words[NOW] < until:
        words[NOW] = until


@micropython.native
def idle():
    # to the next interrupt (a Timer or a pin), as the board's WFI
    w = words
    if w[IN_IRQ]:
        return
    hooks = _hooks
    w[WAKE] = 0
    while not w[WAKE]:
        which = _next(w, FAR)
        if which == 1:
            hooks[0]()
            if w[STALL]:
                hooks[3]()
        elif which == 2:
            _fire_timers()
        else:
            _serve(which)


@micropython.native
def _fire_timers():
    w = words
    w[WAKE] = 1
    now = w[NOW]
    for t in timers:
        due = t.due_us
        if due <= now:
            period = t.period_us
            # rp2: relative to the last due time, so missed ticks are caught up
            t.due_us = due + period if period else FAR
            if t.hard:
                if not call_hard(t.callback, t):
                    t.due_us = FAR
                    t.period_us = 0
            else:
                call_soft(t.callback, t)
    due = FAR
    for t in timers:
        if t.due_us < due:
            due = t.due_us
    w[TIMER_DUE] = due


def reschedule():
    due = FAR
    for t in timers:
        if t.due_us < due:
            due = t.due_us
    words[TIMER_DUE] = due


@micropython.native
def call_hard(f, arg):
    # An interrupt handler: no allocation, nothing preempts it. False when it raised.
    w = words
    w[WAKE] = 1
    w[IN_IRQ] = 1
    micropython.heap_lock()
    try:
        f(arg)
    except BaseException as e:
        micropython.heap_unlock()
        w[IN_IRQ] = 0
        report(e)
        return False
    micropython.heap_unlock()
    w[IN_IRQ] = 0
    return True


def call_soft(f, arg):
    # a scheduled callback: runs between two bytecodes of the background, may allocate
    words[WAKE] = 1
    try:
        f(arg)
    except Exception as e:
        report(e)


def report(e):
    print("Uncaught exception in IRQ callback handler")
    sys.print_exception(e)


def mask():
    words[MASKED] += 1


def unmask():
    if words[MASKED]:
        words[MASKED] -= 1
    if not words[MASKED] and not words[IN_IRQ]:
        advance(0)


def at(due_us):
    # host work (slow hook) no later than due_us
    if due_us < words[SLOW_DUE]:
        words[SLOW_DUE] = due_us


def reset_state():
    # for tests that start over in one process
    for i in range(9):
        words[i] = 0
    words[TIMER_DUE] = words[SLOW_DUE] = words[WDT_DUE] = FAR
    del timers[:]
