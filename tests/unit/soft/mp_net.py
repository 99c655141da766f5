# Wi-Fi that comes and goes, names that are asked for at the right time, pauses that have no end.
import time
from machine import Timer
from mailbox import Busy, Mailbox

import kernel
import net
import network
from live import BREWING, READY, REQ_LOUD, REQ_QUIET, Live
from backoff import Backoff
from net import Resolver, Wifi
from peer import days_off, leap


class Wlan:
    def __init__(self):
        self.up = False
        self.calls = []
        self.fails_with = network.STAT_CONNECT_FAIL

    def isconnected(self):
        return self.up

    def active(self, on):
        self.calls.append("active")

    def connect(self, ssid, key):
        self.calls.append("connect")
        if ssid == "broken":
            raise OSError(1)

    def disconnect(self):
        self.calls.append("disconnect")

    def status(self):
        return self.fails_with

    def ifconfig(self):
        return ("192.0.2.20", "255.255.255.0", "192.0.2.1", "192.0.2.1")


def live_through(wifi, ms, now=0):
    for t in range(now, now + ms, 50):
        wifi.step(t)
    return now + ms


def test_joins_once_and_looks_seldom():
    wlan = Wlan()
    wifi = Wifi("house", "key", wlan)
    now = live_through(wifi, 2000)
    assert wlan.calls == ["active", "connect"] and not wifi.up
    wlan.up = True
    now = live_through(wifi, 300, now)
    assert wifi.up
    live_through(wifi, 60000, now)
    assert wlan.calls == ["active", "connect"]


def test_lost_network_is_joined_again_at_once():
    wlan = Wlan()
    wifi = Wifi("house", "key", wlan)
    now = live_through(wifi, 1000)
    wlan.up = True
    now = live_through(wifi, 100000, now)
    wlan.up = False
    live_through(wifi, 600, now)
    assert wifi.joins == 2 and not wifi.up


def test_a_join_that_takes_too_long_is_begun_anew_for_ever():
    wlan = Wlan()
    wifi = Wifi("house", "key", wlan)
    live_through(wifi, 3600000)
    assert 35 <= wifi.joins <= 80, wifi.joins
    assert wlan.calls.count("disconnect") >= wifi.joins - 1


def test_a_driver_that_raises_is_tried_again():
    wifi = Wifi("broken", "key", Wlan())
    live_through(wifi, 600000)
    assert 5 < wifi.joins < 30, wifi.joins


def test_each_news_is_said_once():
    wlan = Wlan()
    wifi = Wifi("house", "key", wlan, "kitchen")
    said = net.print = Said()
    now = live_through(wifi, 200000)
    assert network.hostname() == "kitchen"
    for status in (network.STAT_WRONG_PASSWORD, network.STAT_NO_AP_FOUND, 2):
        wlan.fails_with = status
        now = live_through(wifi, 200000, now)
    wlan.up = True
    now = live_through(wifi, 100000, now)
    wlan.up = False
    live_through(wifi, 1000, now)
    del net.print
    assert said.lines == ["wifi: house: " + news for news in (
        "no answer", "the key is refused", "no network of that name",
        "joined, but DHCP gives no address", "joined, 192.0.2.20", "lost")], said.lines


class Said:
    def __init__(self):
        self.lines = []

    def __call__(self, line):
        self.lines.append(line)


def test_the_country_is_told_before_the_radio_starts():
    class Started(Wlan):
        def active(self, on):
            self.calls.append(network.country())

    for told, heard in (("", "XX"), ("de", "DE")):
        network.country("XX")
        wlan = Started()
        live_through(Wifi("house", "key", wlan, None, told), 1000)
        assert wlan.calls == [heard, "connect"], wlan.calls


def test_without_a_network_name_nothing_is_tried():
    wifi = Wifi("", "", Wlan())
    live_through(wifi, 60000)
    assert wifi.joins == 0


def test_backoff_doubles_to_its_limit_and_varies():
    first = []
    for seed in range(1, 30):
        backoff = Backoff(1000, 60000, seed)
        waits = []
        for _ in range(12):
            backoff.failed(0)
            wait = 0
            while not backoff.over(wait):
                wait += 10
            waits.append(wait)
        assert 500 <= waits[0] <= 1500 and all(30000 <= w <= 90010 for w in waits[7:]), waits
        first.append(waits[0])
        backoff.reset(5)
        assert backoff.over(5)
    assert len(set(first)) > 15


# --- names
class Names:
    # stands where net.py has its `socket`
    def __init__(self, live):
        self.live = live
        self.asked = []
        self.fails = False

    def getaddrinfo(self, host, port):
        self.asked.append(host)
        self.quiet_then = self.live.quiet
        if self.fails:
            raise OSError(-2)
        return [(2, 1, 0, "", ("192.0.2.%d" % len(self.asked), port))]


class Ticking(Live):
    # a tick that answers the mailbox at once
    def __init__(self):
        self.quiet = False
        self.refuses = 0
        super().__init__()
        self.ticks = 1
        self.state = READY

    @property
    def request(self):
        return self._request

    @request.setter
    def request(self, value):
        self._request = 0
        self.answer = self.refuses
        if not self.refuses:
            self.quiet = True if value == REQ_QUIET else False if value == REQ_LOUD else self.quiet


def resolver():
    live = Ticking()
    names = net.socket = Names(live)
    return Resolver(Mailbox(live)), names, live


def test_a_name_is_asked_for_with_the_outputs_off_and_once():
    r, names, live = resolver()
    assert r.address("broker", 1883) == ("192.0.2.1", 1883)
    assert names.quiet_then and not live.quiet
    for _ in range(5):
        assert r.address("broker", 1883) == ("192.0.2.1", 1883)
    assert names.asked == ["broker"]


def test_no_name_is_asked_for_while_it_pours():
    r, names, live = resolver()
    live.state = BREWING
    assert r.address("broker", 1883) is None and not names.asked
    assert r.address("192.0.2.9", 1883), "a number needs no name server"
    live.state = READY
    live.refuses = 4  # a shot began between our look and our wish
    assert r.address("broker", 1883) is None and names.asked == ["192.0.2.9"]


def test_three_failed_connects_ask_anew_and_a_dead_server_leaves_the_old_answer():
    r, names, live = resolver()
    r.address("broker", 1883)
    for _ in range(3):
        assert r.address("broker", 1883) == ("192.0.2.1", 1883)
        r.failed()
    names.fails = True
    assert r.address("broker", 1883) == ("192.0.2.1", 1883)
    live.state = BREWING
    assert r.address("broker", 1883) == ("192.0.2.1", 1883)
    live.state = READY
    names.fails = False
    assert r.address("broker", 1883) == ("192.0.2.3", 1883)
    r.worked()
    assert r.address("broker", 1883) == ("192.0.2.3", 1883) and len(names.asked) == 3


def test_first_question_that_fails_is_told_and_outputs_are_free_again():
    r, names, live = resolver()
    names.fails = True
    try:
        r.address("broker", 1883)
    except OSError:
        assert not live.quiet
        return
    assert False


def test_background_keeps_beating_while_the_name_server_is_slow():
    r, names, live = resolver()

    def slow(host, port):
        kernel.advance(14000000)
        return [(2, 1, 0, "", ("192.0.2.1", port))]

    names.getaddrinfo = slow
    before = live.beat
    r.address("broker", 1883)
    assert live.beat - before >= 13
    after = live.beat
    kernel.advance(5000000)
    assert live.beat == after, "the beat must end with the question"


def test_a_pause_is_over_however_long_nobody_asked():
    for days, ms in days_off():
        pause = Backoff(3000, 60000)
        pause.failed(time.ticks_ms())
        assert not pause.over(time.ticks_ms())
        leap(ms)
        assert pause.over(time.ticks_ms()), days


# --- the mailbox itself
def test_mailbox_does_not_wait_for_a_tick_that_is_not_there():
    live = Live()
    mailbox = Mailbox(live)
    assert mailbox.ask(REQ_QUIET) == -1
    live.ticks = 1  # it ran once, and died; something else still wakes us
    other = Timer(period=10, mode=Timer.PERIODIC, callback=lambda t: None)
    assert mailbox.ask(REQ_QUIET) == -1 and live.request == 0
    other.deinit()


def test_quiet_nests_and_refuses_when_it_pours():
    live = Ticking()
    mailbox = Mailbox(live)
    with mailbox.quiet():
        with mailbox.quiet():
            assert live.quiet
        assert live.quiet
    assert not live.quiet
    live.refuses = 4
    try:
        with mailbox.quiet():
            assert False, "ran while it pours"
    except Busy:
        pass
