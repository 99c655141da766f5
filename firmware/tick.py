# The hard tick: everything that must happen every 10 ms, in its order. Called by the hard Timer
# under heap_lock: nothing here or below allocates, waits, prints, or touches flash or network.


class Tick:
    # live: live.Live.  hal: hal.Hal().  plan: plan.Plan for REQ_BREW, loaded by the background
    # before it asks.  button: plan.Plan of the brew button, kept loaded by the background.
    # wdt: machine.WDT or None; fed here while the background beats.
    # latched: the mask of live.latched that flash kept.  safe_mode: the reset history says so.
    # brew_mc, steam_mc: set-points, None for the board's.
    # brew_tune, steam_tune: five figures like board.BREW_BOILER found by an auto-tune, or None.
    def __init__(self, live, hal, plan, button, wdt=None, latched=0, safe_mode=False,
                 brew_mc=None, steam_mc=None, brew_tune=None, steam_tune=None):
        self.live = live

    def step(self, timer):
        pass
