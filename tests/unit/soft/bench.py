# A machine without its tick: the real files, journal, facts and commands on a real littlefs, and
# in place of the tick a mailbox that answers what the test says. Every flash operation is
# checked: only in a quiet moment, and never while water runs.
import json
from mailbox import Busy

import board as data
import live as names
from clock import Clock
from commands import Commands
from config import Config
from facts import Facts
from journal import Journal
from ledger import Ledger
from plan import Plan
from ramflash import Board
from recipes import Recipes
from resets import Resets

NOW_MS = 1796000000000  # 2026-11-29
POURING = (names.PREINFUSION, names.BREWING, names.HOT_WATER, names.STEAM, names.CLEANING)


class Mailbox:
    def __init__(self, live):
        self.live = live
        self.depth = 0
        self.quiets = 0  # how often somebody wanted a quiet moment
        self.asked = []
        self.answers = {}  # request -> refusal number

    def ask(self, request, arg=0, arg2=0, source=0):
        self.asked.append((request, arg, arg2, source))
        return self.answers.get(request, 0)

    def at_rest(self):
        return not names.STARTING <= self.live.state <= names.CLEANING

    def quiet(self):
        self.quiets += 1
        return self

    def __enter__(self):
        state = self.live.state
        dry = state in (names.STARTING, names.ENDING)  # the tick gives its word there, too
        if not self.depth and not self.at_rest() and not dry:
            raise Busy
        self.depth += 1

    def __exit__(self, *error):
        self.depth -= 1


class Bench:
    def __init__(self, cause="power", safe=True):
        self.board = Board()
        self.safe = safe
        self.boot(cause)

    def boot(self, cause="power", tick=True):
        # tick: what the tick does at its construction with the latches of the last boot
        self.board.flash.guard = None
        self.board.boot()
        self.wire(cause, tick)

    def wire(self, cause="power", tick=True):
        # the order of app.py
        self.live = live = names.Live()
        live.state = names.READY
        self.resets = Resets(cause)
        if tick:
            live.latched = self.resets.latched
        self.config = Config()
        self.clock = Clock(live, self.resets.boot)
        self.clock.set_utc(NOW_MS)
        self.mailbox = Mailbox(live)
        self.journal = Journal(self.clock)
        self.facts = Facts(live, self.journal, self.clock, self.mailbox, self.resets, self.config)
        self.plan = Plan()
        self.button = Plan()
        self.recipes = Recipes(self.plan, self.button, self.config)
        self.ledger = Ledger()
        self.commands = Commands(live, self.mailbox, self.clock, self.facts, self.recipes,
                                 self.config, self.ledger, "m1")
        self.facts.start()
        if self.safe:
            self.board.flash.guard = self.guard

    def guard(self):
        assert self.mailbox.depth, "flash written outside of a quiet moment"
        assert self.live.state not in POURING, "flash written while water runs"

    # --- the tick's part
    def shot_starts(self, slot=0, rev=0, source=0):
        live = self.live
        number = live.shots_done + 1
        live.shot = number
        base = (number % names.SHOTS_KEPT) * len(names.SHOT_WORDS)
        for k in range(len(names.SHOT_WORDS)):
            live.shots[base + k] = 0
        for k, v in enumerate((number, slot, rev, source, live.uptime_ms)):
            live.shots[base + k] = v
        self.enter(names.STARTING)

    def enter(self, state):
        self.live.state = state
        self.live.put(names.EV_STATE, state, 0)

    def shot_ends(self, result=0, reason=0):
        live = self.live
        k = live.shot % names.SHOTS_KEPT
        base = k * len(names.SHOT_WORDS)
        for name, value in (("duration_ms", 25000), ("volume_ul", 36000), ("temp_mean_mc", 92500),
                            ("energy_j", 9000), ("result", result), ("reason", reason)):
            live.shots[base + names.SHOT_WORDS.index(name)] = value
        live.shots_done += 1
        live.shot = 0
        live.put(names.EV_SHOT, k, result)
        self.enter(names.READY)

    def pass_ms(self, ms):
        # virtual time; facts get their turn every 100 ms
        import time

        for _ in range(0, ms, 100):
            time.sleep_ms(100)
            self.live.uptime_ms = (self.live.uptime_ms + 100) & 0x3FFFFFFF
            self.facts.step()

    # --- the host's part
    def send(self, name, args=None, id="a1", deadline=NOW_MS + 60000, **more):
        message = {"id": id, "deadline": deadline, "args": args or {}}
        message.update(more)
        reply = self.commands.take(name, json.dumps(message).encode())
        return None if reply is None else json.loads(reply)

    def journalled(self, kind=None):
        seq, out = self.journal.first, []
        while seq < self.journal.next:
            texts = self.journal.read(seq, 1000)
            out += [json.loads(t) for t in texts]
            seq += len(texts)
        return [f for f in out if kind in (None, f["kind"])]

    def close(self):
        self.board.flash.guard = None
        self.board.close()


MODEL = data.MODEL
