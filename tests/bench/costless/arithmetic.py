# The control arithmetic of one tick alone: the firmware's viper functions called as the tick calls
# them, `sys.argv[1]` times. `sys.argv[2]`: "start" prints the words as floor.c reads them, "run"
# the words at the end, "calls" makes the same calls to functions that return at once, "empty" runs
# the bare loop.
import sys
from array import array

import board
import burst
import hydraulics
import micropython
import thermal
from flow import Flow
from plan import ABSENT, MODE_PRESSURE


def boiler(tune, mc):
    b = thermal.Boiler(tune, board.INLET_MC, board.AMBIENT_MC)
    b.start(mc - 400)
    b.set(mc)
    b.firm(True)
    b.words[thermal.MEASURED] = mc - 300
    b.words[thermal.AHEAD] = 2000
    b.words[thermal.GOOD] = 1
    return b.words


brew = boiler(board.BREW_BOILER, board.BREW_DEFAULT_MC)
steam = array("i", [0] * thermal.WORDS)
if board.STEAM_BOILER:
    steam = boiler(board.STEAM_BOILER, board.STEAM_DEFAULT_MC)
    steam[thermal.AHEAD] = 0
pump = hydraulics.Hydraulics(Flow())
pump.go(MODE_PRESSURE, 9000, 0, ABSENT)
water = pump.words
water[3] = 8800  # measured mbar
fire = burst.board_words()
fire[burst.FLOW] = 2000
HOW = burst.BREW_FIRST | burst.MAY_BREW | burst.MAY_STEAM


def run(n, firing=burst.fire, follow=hydraulics.follow):
    how = HOW
    smooth = pump.smooth
    for _ in range(n):
        firing(brew, steam, fire, how)
        if smooth:
            follow(water)


@micropython.viper
def at_once(w: ptr32) -> int:
    return 0


@micropython.viper
def at_once_too(w: ptr32, steam: ptr32, b: ptr32, how: int) -> int:
    return 0


def empty(n):
    for _ in range(n):
        pass


if sys.argv[2] == "start":
    print(HOW, 1 if pump.smooth else 0)
    for w in (brew, steam, fire, water):
        print(len(w), *w)
else:
    n = int(sys.argv[1])
    if sys.argv[2] == "run":
        run(n)
    elif sys.argv[2] == "calls":
        run(n, at_once_too, at_once)
    else:
        empty(n)
    for i in range(8):
        print(brew[i], steam[i], fire[i], water[i])
