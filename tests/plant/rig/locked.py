# Ten thousand ticks of a pouring machine, each under micropython.heap_lock: the simulated hard
# Timer holds the lock around its callback as a board does, so one allocation ends it for good.
import live as names
from rig import Rig
from scenarios import recipe


def pouring(root, ticks=10000, sabotage=False):
    r = Rig(root, 1, warm=True)
    r.button.load(recipe())
    r.settle()
    seen = [0]  # ticks poured

    def watch(r):
        if names.PREINFUSION <= r.live.state <= names.ENDING:
            seen[0] += 1

    r.watch = watch
    if sabotage:
        step = r.tick.modes.step

        def wasteful(taken):
            step(taken)
            return [seen]

        r.tick.modes.step = wasteful
    try:
        while seen[0] < ticks and not r.tick.broken:
            r.press("brew")
            r.until("ready", 200000)
            r.run(10000)  # the barista
    except MemoryError as e:
        return {"ticks": seen[0], "broken": repr(e), "shots": r.live.shots_done}
    return {"ticks": seen[0], "broken": repr(r.tick.broken), "shots": r.live.shots_done}
