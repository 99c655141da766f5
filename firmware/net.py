# Wi-Fi and names. Joining never waits; a name is asked for only while outputs are off, and then
# remembered. No MQTT here.
import socket
import time
from mailbox import Busy

import network
from machine import Timer
from micropython import const

_LOOK_MS = const(250)  # between two looks at the driver
_JOIN_MS = const(20000)  # a join that takes longer is begun anew
_PAUSE_MS = const(3000)
_PAUSE_MAX_MS = const(60000)
_FORGET = const(3)  # failed connects before a name is asked for again


class Backoff:
    # When to try again: the pause doubles up to a limit, and there is no last attempt.
    def __init__(self, first_ms, most_ms, seed=1):
        self._first_ms = first_ms
        self._most_ms = most_ms
        self._seed = seed & 0x7FFFF
        self.reset(time.ticks_ms())

    def reset(self, now):
        # all is well: the next failure waits the shortest
        self._pause_ms = self._first_ms
        self._due = now

    def over(self, now):
        return time.ticks_diff(now, self._due) >= 0

    def failed(self, now):
        # half to one and a half of the pause, so that machines do not return in step
        self._seed = (self._seed * 1103 + 12345) & 0x7FFFF
        wait_ms = self._pause_ms // 2 + self._seed % self._pause_ms
        self._due = time.ticks_add(now, wait_ms)
        self._pause_ms = min(self._pause_ms * 2, self._most_ms)


class Wifi:
    def __init__(self, ssid, key, wlan=None):
        self._ssid = ssid
        self._key = key
        self._wlan = wlan or network.WLAN(network.STA_IF)
        self._look_at = time.ticks_ms()
        self._join_since = None
        self._backoff = Backoff(_PAUSE_MS, _PAUSE_MAX_MS)
        self.up = False
        self.joins = 0

    def step(self, now):
        # Cheap until the next look is due. Returns whether packets can go.
        if time.ticks_diff(now, self._look_at) >= 0:
            self._look_at = time.ticks_add(now, _LOOK_MS)
            self._look(now)
        return self.up

    def _look(self, now):
        self.up = self._wlan.isconnected()
        if self.up:
            self._join_since = None
            self._backoff.reset(now)
        elif self._join_since is not None:
            if time.ticks_diff(now, self._join_since) >= _JOIN_MS:
                self._give_up(now)
        elif self._ssid and self._backoff.over(now):
            self._join(now)

    def _join(self, now):
        self.joins += 1
        self._join_since = now
        try:
            self._wlan.active(True)
            self._wlan.connect(self._ssid, self._key)
        except OSError:
            self._give_up(now)

    def _give_up(self, now):
        self._join_since = None
        self._backoff.failed(now)
        self._wlan.disconnect()


class Resolver:
    # mailbox: mailbox.Mailbox, or None where there are no outputs to keep off
    def __init__(self, mailbox=None):
        self._mailbox = mailbox
        self._known = {}
        self._failures = 0
        self.lookups = 0

    def address(self, host, port):
        # What connect() takes; None while a name cannot be asked for. Raises OSError.
        known = self._known.get((host, port))
        if known and self._failures < _FORGET:
            return known
        if not _is_number(host) and self._mailbox and not self._mailbox.at_rest():
            return known
        try:
            found = self._ask(host, port)
        except Busy:
            return known
        except OSError:
            if not known:
                raise
            return known
        self._failures = 0
        self._known[(host, port)] = found
        return found

    def _ask(self, host, port):
        self.lookups += 1
        if _is_number(host) or not self._mailbox:
            return socket.getaddrinfo(host, port)[0][-1]
        # A dead name server takes lwIP up to 14 s: somebody has to keep the tick trusting in us.
        with self._mailbox.quiet():
            beats = Timer(period=1000, mode=Timer.PERIODIC, callback=self._mailbox.beat)
            try:
                return socket.getaddrinfo(host, port)[0][-1]
            finally:
                beats.deinit()

    def failed(self):
        # a connect to the address came to nothing
        self._failures += 1

    def worked(self):
        self._failures = 0


def _is_number(host):
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() for part in parts)
