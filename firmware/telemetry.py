# Decides what is said next over the link: status, info, replies, recipes and facts for certain
# (QoS 1, one at a time), state and the running curve as it goes. What the messages contain is
# messages.py's, curve.py's and courier.py's; nothing here waits.
import json
import time

import live as names
import messages
from command import Refusal
from courier import Courier
from curve import Curve
from micropython import const
from opening import UP

_TURN_MS = const(50)  # between two looks for something to say, unless a PUBACK frees the way
_LOOK_MS = const(200)  # state at most five times a second
_STIR_MS = const(1000)  # while it heats or pours, once a second
_STIR_MC = const(500)
_STATE_MS = const(10000)
_REPLIES = const(8)
_OVERLOAD = Refusal(
    "overload", None, "commands came too fast, some were not carried out; wait for the replies, "
    "then send those again").reply()


class Telemetry:
    # info: the payload of the topic `info`.  prefix: b"coffee/v1/<machine>/".
    def __init__(self, live, link, journal, recipes, clock, info, prefix):
        self._live = live
        self._link = link
        self._recipes = recipes
        self._clock = clock
        self._journal = journal
        self._prefix = prefix
        self._hellos = ((b"status", messages.status(clock.boot, True)), (b"info", info))
        self.courier = Courier(journal, clock)
        self._state = messages.State(live, clock.boot)
        self._curve = Curve(live, clock.boot)
        self._topics = {name: prefix + name for name in (
            b"status", b"info", b"state", b"shot", b"journal", b"recipes", b"reply")}
        self.heap_free = 0  # told by the application after a collection
        self._replies = []
        self._session = 0
        self._turn_at = self._look_at = self._said_at = time.ticks_ms()
        self._state_due = True
        self._pid = 0  # of the QoS 1 message under way
        self._done = None  # what its PUBACK brings about

    def reply(self, payload):
        # to be sent when its turn comes; nobody asks for one more while full() says so
        self._replies.append(payload)
        self._turn_at = time.ticks_ms()

    def full(self):
        return len(self._replies) >= _REPLIES

    def overload(self):
        # while full(): a command was left undone, because the replies to earlier ones are still
        # under way
        if self._replies[-1] is not _OVERLOAD:
            self._replies.append(_OVERLOAD)

    def step(self, now):
        # A few comparisons when it is nobody's turn. Is only called while packets can go.
        link = self._link
        if not self._pid or link.out.acked != self._pid:
            if 0 < time.ticks_diff(self._turn_at, now) <= _TURN_MS:  # not that of a week ago
                return
            self._turn_at = time.ticks_add(now, _TURN_MS)
        if link.phase != UP:
            return
        if link.session != self._session:
            self._begin(now)
        if link.ready(0):
            self._tell(now)
        if link.ready(1):
            self._assure(now)

    def _begin(self, now):
        # a new session: the broker may know nothing of us
        self._session = self._link.session
        self._said_hellos = 0
        self._state_due = True
        self._recipes_rev = None
        self._pid = 0
        self._look_at = now
        self.courier.restart(now)
        self._curve.restart()

    # --- as it goes, QoS 0
    def _tell(self, now):
        message = self._curve.message()
        if message:
            self._link.publish(self._topics[b"shot"], message)
        elif time.ticks_diff(now, self._look_at) >= 0:
            self._look_at = time.ticks_add(now, _LOOK_MS)
            if self._worth_saying(now):
                self._say_state(now)

    def _worth_saying(self, now):
        silent = time.ticks_diff(now, self._said_at)
        if self._state_due or silent >= _STATE_MS or self._state.changed():
            return True
        return silent >= _STIR_MS and (self._pouring() or self._state.moved_mc() >= _STIR_MC)

    def _pouring(self):
        return names.STARTING <= self._live.state <= names.CLEANING

    def _say_state(self, now):
        message = self._state.message(
            self._clock.uptime_ms(), self._clock.utc_ms(), self.heap_free, self._journal.held)
        if self._link.publish(self._topics[b"state"], message, retain=True):
            self._state_due = False
            self._said_at = now

    # --- for certain, QoS 1
    def _assure(self, now):
        if self._pid and self._link.out.acked == self._pid:
            self._done(now)
        self._pid = 0
        if self._said_hellos < 2:
            name, message = self._hellos[self._said_hellos]
            self._send(name, message, self._hello_sent, True)
        elif self._replies:
            self._send(b"reply", self._replies[0], self._reply_sent)
        elif self._recipes_rev != self._recipes.rev:
            self._sent_rev = self._recipes.rev
            self._send(b"recipes", self._recipes.message(), self._recipes_sent, True)
        elif self.courier.due(now):
            message = self.courier.message()
            if message:
                self._send(b"journal", message, self.courier.delivered)

    def _send(self, name, message, done, retain=False):
        self._done = done
        self._pid = self._link.publish(self._topics[name], message, retain, 1)

    def _hello_sent(self, now):
        self._said_hellos += 1

    def _reply_sent(self, now):
        self._replies.pop(0)

    def _recipes_sent(self, now):
        self._recipes_rev = self._sent_rev

    # --- the host's cursor
    def take_ack(self, payload, now):
        # None, or the reply that says what is wrong with it
        try:
            ack = json.loads(payload)
            journal, seq = ack["journal"], ack["seq"]
            if ack.get("v", 1) != 1 or not isinstance(journal, str) or type(seq) is not int:
                raise ValueError
        except (ValueError, KeyError, TypeError, AttributeError, MemoryError):
            return Refusal(
                "invalid", "ack", 'send {"v":1,"journal":"<id>","seq":<whole number>}').reply()
        self.courier.ack(journal, seq, now)

