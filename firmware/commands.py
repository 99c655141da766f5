# Commands from the host: each message gets exactly one reply, and each id is acted on once, over
# resets too. The ledger is written before the deed; a machine that pours writes nothing, so what
# needs the flash waits for its end, and a brew or a cleaning is refused.
from mailbox import AGAIN_MS, Busy

import command as reader
from actions import RUNNING, Actions
from command import NAMES, Refusal  # noqa: F401  (NAMES: info publishes them)

ACTING = ("brew", "clean", "update")  # these move something: never without a known time
_AT_ONCE = ("stop", "identify", "clock")  # need no flash, must not wait, may be done twice
_UNSIGNED = ("stop", "identify")  # anybody may stop a machine
_PARKED_MAX = 4
_RECENT_MAX = 8  # replies to those at once; a flood of them must not push ids off the ledger
_AHEAD_MS = 86400000  # a deadline further away outlives the ledger
_PLAUSIBLE_S = 60  # so late is a message that waited somewhere; later, a clock is wrong
_CLOCK_AHEAD = "the machine's clock may be ahead (set it with clock); "


class Commands:
    # live.Live, mailbox.Mailbox, clock.Clock, facts.Facts, recipes.Recipes, config.Config,
    # ledger.Ledger; machine: its name in the topics.
    def __init__(self, live, mailbox, clock, facts, recipes, config, ledger, machine):
        self._mailbox = mailbox
        self._clock = clock
        self._facts = facts
        self._config = config
        self._ledger = ledger
        self._machine = machine
        self._actions = Actions(live, mailbox, clock, facts, recipes, config)
        self._parked = []  # (command, args) until nothing pours
        self._recent = []  # (id, reply)
        self._again_ms = 0

    @property
    def identify_until_ms(self):
        return self._actions.identify_until_ms

    def too_long(self, name, size):
        # the reply to a message that the link could not hold
        return reader.too_long(name, size).reply()

    def take(self, name, payload):
        # The reply (bytes), or None: it comes later from step(), or was given to the first
        # delivery that is still being carried out.
        id = None
        try:
            command = reader.read(name, payload)
            id = command.id
            return self._take(command)
        except Refusal as no:
            return no.reply(id)
        except MemoryError:
            return _no_memory().reply(id)

    def step(self):
        # every pass; the reply to a command that had to wait, or None
        if not self._parked and not self._ledger.waiting or not self._mailbox.at_rest():
            return None
        if self._parked:
            command, args = self._parked.pop(0)
            return self._carry_out(command, args)
        if self._clock.uptime_ms() >= self._again_ms:
            self._flush()
        return None

    def _flush(self):
        try:
            with self._mailbox.quiet():
                self._ledger.flush()
        except (Busy, OSError):
            self._again_ms = self._clock.uptime_ms() + AGAIN_MS

    # --- once
    def _take(self, command):
        key = self._config["command_key"]
        if key and command.name not in _UNSIGNED:
            reader.check_mac(command, self._machine, key.encode())
        seen = self._ledger.find(command.id)
        if seen is not None:
            return _again(command, seen)
        if command.name in _AT_ONCE:
            return self._at_once(command)
        args = self._actions.check(command.name, command.args)
        if self._ledger.full:
            raise Refusal("busy", None, "too many commands meanwhile; wait for state ready")
        if self._mailbox.at_rest():
            return self._carry_out(command, args)
        return self._wait(command, args)

    def _at_once(self, command):
        for id, reply in self._recent:
            if id == command.id:
                return reply
        args = self._actions.check(command.name, command.args)
        try:
            self._in_time(command)
            reply = command.reply(self._actions.do(command, args))
        except Refusal as no:
            reply = no.reply(command.id)
        self._recent = self._recent[1 - _RECENT_MAX:] + [(command.id, reply)]
        return reply

    def _wait(self, command, args):
        try:
            self._in_time(command)
            if command.name in ACTING or len(self._parked) >= _PARKED_MAX:
                raise Refusal("busy", None, RUNNING)
        except Refusal as no:
            reply = no.reply(command.id)
            self._ledger.later(command.id, reply)
            return reply
        self._ledger.hold(command.id)
        self._parked.append((command, args))
        return None

    def _in_time(self, command):
        if command.deadline_ms is None:
            return
        now = self._clock.utc_ms()
        if now is None:
            if command.name in ACTING:
                raise Refusal("clock_unknown", None,
                              "the machine does not know the time; send clock first")
            return
        if now > command.deadline_ms:
            late_s = min((now - command.deadline_ms) // 1000, 999999999)
            cure = _CLOCK_AHEAD if late_s > _PLAUSIBLE_S else ""
            raise Refusal("expired", "deadline", "expired %d s ago; %ssend a new command with a "
                          "later deadline" % (late_s, cure))
        if command.deadline_ms - now > _AHEAD_MS:
            raise Refusal("bad_value", "deadline", "more than a day ahead; send a nearer one")

    # --- the deed, between two writes
    def _carry_out(self, command, args):
        # One quiet moment for all: a tap opened meanwhile must not keep a refusal off the flash.
        self._ahead = None
        try:
            with self._mailbox.quiet():
                reply = self._act(command, args)
                self._end(command, reply)
                return reply
        except Busy:
            return self._wait(command, args)

    def _act(self, command, args):
        try:
            self._in_time(command)
            self._begin(command, args)
            result = self._actions.do(command, args)
            # a brew or cleaning that was taken has its reply on flash already: now it pours
            return self._ahead or command.reply(result)
        except Refusal as e:
            no = e
        except OSError:
            no = Refusal("flash", None, "the machine's flash failed; restart it, then look again")
        except MemoryError:
            no = _no_memory()
        return no.reply(command.id)

    def _begin(self, command, args):
        if command.name == "brew":
            self._ahead = command.reply(self._actions.expect_brew(command, args))
        elif command.name == "clean":
            self._ahead = command.reply({})
        self._ledger.begin(command.id, self._ahead)

    def _end(self, command, reply):
        told = reply == self._ahead
        try:
            try:
                self._ledger.finish(command.id, reply, told)
            finally:  # the mark goes last: without one, what the ledger says was taken did pour
                if not told and command.name == "brew":
                    self._facts.shot_refused()
        except OSError:
            self._ledger.later(command.id, reply)


def _no_memory():
    return Refusal("no_memory", None, "too little memory now; send a new command later")


def _again(command, seen):
    # what a second delivery gets
    if seen == b"":
        return None
    if seen == b"-":
        return Refusal(
            "interrupted", None, "the machine was reset while doing it; look at its state, "
            "then send a new command if need be").reply(command.id)
    return seen
