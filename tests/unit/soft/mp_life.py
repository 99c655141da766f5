# Random lives of all that is kept and told: shots, alarms, water, commands and second deliveries,
# while the power fails in flash operations, those of a start too. What the host hears must fit
# what happened. A seed is a life: the same each time.
import gc
import json

import live as names
from bench import Bench
from ledger import Ledger
from refusal import REFUSALS

SEEDS = 40
STEPS = 60
_DAY_MS = 86400000
_METERS = (("water_ul", "water_ul"), ("shots_done", "shots"))
_CODES = (14, 15, 19)  # tank_empty, tray_full, tick_overrun
_NO = REFUSALS.index("cup_missing") + 1


class Life:
    def __init__(self, bench, seed):
        self._x = seed * 2654435761 & 0x7FFFFFFF | 1
        self.bench = bench
        self.shots = {}  # (boot, shot) -> did water run
        self.alarms = {}  # boot -> what the tick put
        self.commands = {}  # id -> slot
        self.replies = {}
        self.facts = {}
        self.counted = {live: 0 for live, _ in _METERS}  # in the boots before
        self._born()

    def draw(self, n):
        self._x = (self._x * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._x >> 8) % n

    # --- births and deaths
    def _born(self):
        bench = self.bench
        self.boot = bench.clock.boot
        self.alarms[self.boot] = []
        ask = bench.mailbox.ask

        def tick(request, *more):
            no = self._asked(request)
            return ask(request, *more) or no

        bench.mailbox.ask = tick

    def _asked(self, request):
        if request != names.REQ_BREW:
            return 0
        if self.bench.board.flash.dead or self.bench.live.state != names.READY or not self.draw(3):
            return _NO
        self.starts(1)
        return 0

    def survives(self):
        # False: the power failed, and the next boot has begun
        if not self.bench.board.flash.dead:
            return True
        for live, _ in _METERS:
            self.counted[live] += getattr(self.bench.live, live)
        while self.bench.board.flash.dead:
            self._boots()
        self._born()
        return False

    def _boots(self):
        bench = self.bench
        bench.board.flash.guard = None
        gc.collect()  # what stood open is closed on the dead flash
        bench.board.boot()
        bench.board.flash.fails_at = self.draw(60)
        try:
            bench.wire(("power", "watchdog")[self.draw(2)])
        except OSError:
            assert bench.board.flash.dead

    # --- what happens
    def starts(self, source):
        self.bench.shot_starts(0, self.bench.recipes.rev, source)
        self.shots[(self.boot, self.bench.live.shot)] = False

    def button(self):
        if self.bench.live.state == names.READY:
            self.starts(0)

    def goes_on(self):
        bench = self.bench
        live = bench.live
        if live.state == names.STARTING:
            bench.pass_ms(200)  # its mark is written
            if self.survives():
                self.shots[(self.boot, live.shot)] = True
                bench.enter(names.BREWING)
        elif live.state == names.BREWING:
            live.water_ul += 40000
            bench.enter(names.ENDING)
        elif live.shot:
            bench.shot_ends()

    def alarm(self):
        code = _CODES[self.draw(len(_CODES))]
        live = self.bench.live
        live.latched ^= 1 << code
        raised = live.latched >> code & 1
        live.put(names.EV_ALARM, code, raised)
        self.alarms[self.boot].append((names.ALARM_NAMES[code], bool(raised)))

    def order(self):
        id = "c%d" % len(self.commands)
        self.commands[id] = self.draw(2) * 15  # slot 15 is empty
        self.send(id)

    def again(self):
        if self.commands:
            self.send("c%d" % self.draw(len(self.commands)))

    def send(self, id):
        before = self.replies.get(id)
        deadline = self.bench.clock.utc_ms() + 60000
        reply = self.bench.send("brew", {"slot": self.commands[id]}, id, deadline)
        if not self.bench.board.flash.dead:
            # "busy" of a machine that pours is kept in RAM till it may write
            busy = before and before["error"] and before["error"]["code"] == "busy"
            assert busy or before in (None, reply), (before, reply)
            self.replies[id] = reply

    def tomorrow(self):
        clock = self.bench.clock
        if self.bench.live.state == names.READY:
            clock.set_utc(clock.utc_ms() + _DAY_MS)

    def power(self):
        flash = self.bench.board.flash
        flash.fails_at = flash.operations + 1 + self.draw(12)

    def step(self):
        (self.goes_on, self.goes_on, self.goes_on, self.button, self.alarm, self.order,
         self.order, self.again, self.power, self.tomorrow)[self.draw(10)]()
        if self.survives():
            self.bench.pass_ms((0, 100, 400)[self.draw(3)])
        if self.survives():
            self.read()

    # --- what the host was told
    def read(self):
        for fact in self.bench.journalled():
            assert self.facts.setdefault(fact["seq"], fact) == fact, fact

    def told(self, kind):
        assert sorted(self.facts) == list(range(1, self.bench.journal.next))
        return [fact for _, fact in sorted(self.facts.items()) if fact["kind"] == kind]

    def ends(self):
        self.bench.board.flash.fails_at = 0
        while self.bench.live.shot:
            self.goes_on()
        self.bench.pass_ms(3000)
        self.read()
        self.check_shots()
        self.check_alarms()
        self.check_meters()

    def check_shots(self):
        brews = self.told("brew")
        told = [(fact["boot"], fact["shot"]) for fact in brews]
        assert len(set(told)) == len(told), told
        for shot in self.shots:
            assert shot in told or not self.shots[shot], shot
        asked = [fact["command"] for fact in brews if fact["source"] == "remote"]
        for id in self.commands:
            taken = json.loads(Ledger().find(id) or b'{"ok":false}')["ok"]
            assert asked.count(id) == taken, (id, asked.count(id), taken)

    def check_alarms(self):
        for boot, happened in self.alarms.items():
            told = [(fact["code"], fact["raised"])
                    for fact in self.told("alarm") if fact["boot"] == boot]
            n = len(happened) if boot == self.boot else len(told)  # what was in RAM is lost
            assert told == happened[:n], (told, happened)

    def check_meters(self):
        meters = self.bench.facts._meters
        self.bench.facts._count()
        for k, (live, name) in ((0, _METERS[0]), (3, _METERS[1])):
            total = sum(fact[name] for fact in self.told("meter"))
            total += meters.totals[k] + meters.loose[k]
            assert total <= self.counted[live] + getattr(self.bench.live, live), (name, total)


def test_what_the_host_hears_fits_what_happened():
    bench = Bench()
    new = bench.board.image()
    for seed in range(SEEDS):
        bench.board.flash.guard = None
        bench.board.restore(new)
        bench.boot()
        life = Life(bench, seed)
        try:
            for _ in range(STEPS):
                life.step()
            life.ends()
        except Exception as e:
            print("seed", seed)
            raise e
    bench.close()
