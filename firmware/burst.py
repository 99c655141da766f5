# Which SSR conducts in the coming mains half-cycle: sigma-delta per boiler, one power budget,
# no direct current drawn from the mains. Knows duties and watts, no pins and no temperatures.
from array import array

import board
import micropython
from micropython import const

FULL = const(1 << 16)  # duty word: 65536 = every half-cycle

# words
DUTY_BREW = const(0)  # asked for the coming half-cycle; expires: zero again after each fire()
DUTY_STEAM = const(1)
_ACC_BREW = const(2)  # what is owed, 65536 = one half-cycle
_ACC_STEAM = const(3)
_DC_BREW = const(4)  # fired positive less negative half-cycles, biased by 8
_DC_STEAM = const(5)
_PHASE = const(6)  # half-cycles modulo 4: polarity in bit 0, whole cycles in bit 1
_TOGETHER = const(7)  # 1: the budget carries both boilers at once
WORDS = const(8)


def words(brew_w, steam_w, budget_w):
    w = array("i", [0] * WORDS)
    w[_DC_BREW] = w[_DC_STEAM] = 8
    w[_TOGETHER] = 1 if brew_w + steam_w <= budget_w else 0
    return w


def board_words():
    steam = board.STEAM_BOILER[0] if board.STEAM_BOILER else 0
    return words(board.BREW_BOILER[0], steam, board.POWER_BUDGET_W)


# Returns bit 0: brew SSR on, bit 1: steam SSR on. brew_first: brew wins whenever both are due and
# the budget carries one; else the one that is owed more.
# A half-cycle whose polarity would unbalance the mains waits one tick unless two are owed.
@micropython.viper
def fire(w: ptr32, brew_first: int) -> int:
    phase = (int(w[6]) + 1) & 3
    w[6] = phase
    step = (phase & 1) * 2 - 1
    due = 0
    i = 0
    while i < 2:
        acc = int(w[2 + i]) + int(w[i])
        if int(w[i]) == 0:
            acc = 0  # no debt outlives its demand: off means off in this very half-cycle
        w[i] = 0
        if acc > 196608:  # never owe more than three: the observer knows what was not fired
            acc = 196608
        w[2 + i] = acc
        dc = int(w[4 + i]) - 8
        if acc >= 65536:
            if dc * step <= 0:
                due |= 1 << i
            if acc >= 131072:
                due |= 1 << i
        i += 1
    if due == 3:
        if int(w[7]) == 0:
            due = 1
            if brew_first == 0:
                if int(w[3]) > int(w[2]):
                    due = 2
                if int(w[3]) == int(w[2]):
                    due = 1 + (phase >> 1)  # both owed all they may be: whole cycles in turn
    i = 0
    while i < 2:
        if (due >> i) & 1:
            w[2 + i] = int(w[2 + i]) - 65536
            dc = int(w[4 + i]) + step
            if dc < 0:
                dc = 0
            if dc > 15:
                dc = 15
            w[4 + i] = dc
        i += 1
    return due
