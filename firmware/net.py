# Wi-Fi and names. Joining never waits; a name is asked for only while outputs are off, and then
# remembered. No MQTT here. Imported only where there is a radio (app.py).
import socket
import time
from mailbox import Busy

import network
from backoff import Backoff
from machine import Timer
from micropython import const

_LOOK_MS = const(250)  # between two looks at the driver
_JOIN_MS = const(20000)  # a join that takes longer is begun anew
_PAUSE_MS = const(3000)
_PAUSE_MAX_MS = const(60000)
_FORGET = const(3)  # failed connects before a name is asked for again
_NO_ADDRESS = const(2)  # joined, DHCP has not answered; has no name in `network`


def why(status):
    # What WLAN.status() says of a join that came to nothing, for a person.
    if status == network.STAT_WRONG_PASSWORD:
        return "the key is refused"
    if status == network.STAT_NO_AP_FOUND:
        return "no network of that name"
    if status == _NO_ADDRESS:
        return "joined, but DHCP gives no address"
    return "no answer"


class Wifi:
    # name: by which the router shall know the machine; country: whose channels the radio may use
    def __init__(self, ssid, key, wlan=None, name=None, country=""):
        self._ssid = ssid
        self._key = key
        self._name = name
        self._country = country
        self._wlan = wlan or network.WLAN(network.STA_IF)
        self._said = None
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
        was_up = self.up
        self.up = self._wlan.isconnected()
        if self.up != was_up:
            self._say("joined, " + self._wlan.ifconfig()[0] if self.up else "lost")
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
            if self._name:
                network.hostname(self._name)
            if self._country:
                network.country(self._country.upper())
            self._wlan.active(True)
            self._wlan.connect(self._ssid, self._key)
        except OSError:
            self._give_up(now)

    def _give_up(self, now):
        self._join_since = None
        self._backoff.failed(now)
        self._say(why(self._wlan.status()))
        self._wlan.disconnect()

    def _say(self, what):
        # on the console, each news once
        if what != self._said:
            self._said = what
            print("wifi: %s: %s" % (self._ssid, what))


class Resolver:
    # lwIP keeps what was on its way in a closed connection for ten seconds, out of its 8 KB: the
    # next connection begins with all of them (extmod/modlwip.c, TCP_CLOSE_TIMEOUT_MS).
    linger_ms = 10500

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

    def socket(self):
        return socket.socket()

    def failed(self):
        # a connect to the address came to nothing
        self._failures += 1

    def worked(self):
        self._failures = 0


def _is_number(host):
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() for part in parts)
