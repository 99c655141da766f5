# Who speaks next: what is said at the beginning of a session, how often the state goes out, and
# that nothing sent for certain is forgotten or said twice without need.
import json
import time

import opening
from clock import Clock
from live import ALARM_NAMES, Live
from link import Link
from opening import UP
from peer import Broker, Net, days_off, leap, pass_ms
from telemetry import Telemetry

PREFIX = b"coffee/v1/m1/"


class Journal:
    # facts are numbers here; what a real one does stands in mp_courier.py
    def __init__(self, n):
        self.id = "0123456789abcdef"
        self.first = 1
        self.next = n + 1

    @property
    def held(self):
        return self.next - self.first

    def read(self, seq, max_bytes):
        return [b'{"seq":%d}' % s for s in range(seq, min(seq + 3, self.next))]

    def ack(self, journal, seq):
        return journal == self.id and seq < self.next


class Recipes:
    rev = 3

    def message(self):
        return b'{"v":1,"rev":%d,"slots":{}}' % self.rev


class World:
    def __init__(self, facts=0):
        self.net = Net(Broker())
        opening.socket = self.net
        self.live = Live()
        self.link = Link("coffee-m1", "broker")
        self.journal = Journal(facts)
        self.recipes = Recipes()
        self.talk = Telemetry(self.live, self.link, self.journal, self.recipes,
                              Clock(self.live, 7), b'{"info":1}', PREFIX)
        self.link.connect()

    def run(self, ms):
        for _ in range(ms // 10):
            now = time.ticks_ms()
            self.link.step(now)
            self.talk.step(now)
            pass_ms(10)

    def said(self, name=None):
        # [(name, QoS, retained, payload)] since the last time asked
        found = []
        for head, body in self.net.broker.of(0x30):
            n = body[0] << 8 | body[1]
            topic = body[2 + len(PREFIX) : 2 + n].decode()
            at = 2 + n + (2 if head & 6 else 0)
            found.append((topic, head >> 1 & 3, head & 1, body[at:]))
        self.net.broker.packets = []
        return [one for one in found if name in (None, one[0])]


def names(said):
    return [one[0] for one in said]


def test_a_session_begins_with_state_status_info_recipes_and_facts():
    world = World(facts=2)
    world.run(2000)
    said = world.said()
    assert names(said) == ["state", "status", "info", "recipes", "journal"], names(said)
    assert [one[1:3] for one in said] == [(0, 1), (1, 1), (1, 1), (1, 1), (1, 0)]
    assert said[1][3] == b'{"v":1,"online":true,"boot":7}'


def test_a_new_session_says_all_of_it_again():
    world = World(facts=2)
    world.run(2000)
    world.said()
    world.link.drop("test")
    world.run(4000)
    assert world.link.session == 2
    assert names(world.said()) == ["state", "status", "info", "recipes", "journal"]


def test_state_every_ten_seconds_and_at_once_on_each_change():
    world = World()
    world.run(1000)
    world.said()
    world.run(60000)
    assert len(world.said("state")) in (5, 6)
    for change in ("state", "alarms", "latched", "shot", "setpoint_mc", "cup", "remote", "water"):
        setattr(world.live, change, getattr(world.live, change) ^ 1)
        world.run(300)
        assert len(world.said("state")) == 1, change


def test_a_fluttering_switch_is_told_five_times_a_second_at_most():
    world = World()
    world.run(1000)
    world.said()
    for _ in range(143):
        world.live.cup ^= 1
        world.run(70)
    said = len(world.said("state"))
    assert 15 <= said <= 51, said


def test_while_the_temperature_moves_state_goes_every_second():
    world = World()
    world.run(1000)
    world.said()
    for _ in range(100):
        world.live.temp_mc += 60
        world.run(100)
    assert 8 <= len(world.said("state")) <= 10


def test_replies_go_in_order_and_survive_a_lost_session():
    world = World()
    world.run(1000)
    world.said()
    world.net.broker.deaf = {0x30}
    for n in range(5):
        world.talk.reply(b'{"reply":%d}' % n)
    world.run(1000)
    world.link.drop("test")
    world.net.broker.deaf = set()
    world.said()
    world.run(5000)
    assert [one[3] for one in world.said("reply")] == [b'{"reply":%d}' % n for n in range(5)]


def test_full_of_replies_is_told_once():
    world = World()
    for n in range(8):
        assert not world.talk.full()
        world.talk.reply(b"{}")
    assert world.talk.full()
    world.talk.overload()
    world.talk.overload()
    world.run(3000)
    replies = world.said("reply")
    assert len(replies) == 9 and json.loads(replies[8][3])["error"]["code"] == "overload"
    assert not world.talk.full()


def test_changed_recipes_are_published_again():
    world = World()
    world.run(1000)
    world.said()
    world.recipes.rev = 4
    world.run(500)
    world.recipes.rev = 5
    world.run(500)
    assert [json.loads(one[3])["rev"] for one in world.said("recipes")] == [4, 5]


def test_recipes_that_change_while_on_their_way_go_once_more():
    world = World()
    world.run(1000)
    world.net.broker.deaf = {0x30}
    world.recipes.rev = 4
    world.run(500)
    world.recipes.rev = 5
    world.said()
    world.net.broker.deaf = set()
    world.run(8000)
    assert [json.loads(one[3])["rev"] for one in world.said("recipes")] == [4, 5]


def test_facts_follow_each_other_only_as_the_broker_has_them():
    world = World(facts=9)
    world.run(2000)
    batches = [json.loads(one[3]) for one in world.said("journal")]
    assert [[f["seq"] for f in b["facts"]] for b in batches] == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    world.net.broker.deaf = {0x30}
    world.journal.next += 6
    world.run(3000)
    assert len(world.said("journal")) == 1


def test_a_broken_cursor_is_answered_and_changes_nothing():
    world = World(facts=3)
    world.run(1000)
    for payload in (b"", b"[]", b"{", b'{"seq":1}', b'{"journal":1,"seq":1}', b"\xff\xfe", b"null",
                    b'{"journal":"0123456789abcdef","seq":true}', b'{"journal":"a","seq":"1"}',
                    b'{"v":2,"journal":"0123456789abcdef","seq":1}'):
        reply = json.loads(world.talk.take_ack(payload, 0))
        assert reply["ok"] is False and reply["error"]["field"] == "ack", payload
    assert world.talk.take_ack(b'{"v":1,"journal":"0123456789abcdef","seq":2}', 0) is None


def test_nothing_is_said_while_there_is_no_session():
    world = World(facts=3)
    world.net.refuses = True
    world.run(5000)
    assert world.link.phase != UP and not world.said()


def test_every_alarm_has_its_name_in_the_state():
    world = World()
    world.run(1000)
    world.said()
    for bit in range(len(ALARM_NAMES)):
        world.live.alarms = 1 << bit
        world.live.latched = 1 << bit | 1
        world.run(300)
        state = json.loads(world.said("state")[0][3])
        assert state["alarms"] == [ALARM_NAMES[bit]]
        assert state["latched"] == ([ALARM_NAMES[0]] if bit else []) + [ALARM_NAMES[bit]]


def test_after_days_without_a_network_all_is_said_again():
    for days, ms in days_off():
        world = World(2)
        world.run(3000)
        world.said()
        world.link.drop("no network")
        leap(ms)
        world.run(5000)
        assert {"status", "info", "recipes", "state", "journal"} <= {
            name for name, _, _, _ in world.said()}, days


def test_an_ack_too_deep_for_the_memory_there_is_is_refused():
    # it is retained: a session that dropped over it would meet it again in the next
    world = World()
    payload = b"[" * 2000
    ballast = []
    for size in (65536, 4096, 512):
        try:
            while True:
                ballast.append(bytearray(size))
        except MemoryError:
            pass
    del ballast[-20:]
    reply = world.talk.take_ack(payload, time.ticks_ms())
    del ballast
    assert json.loads(reply)["error"]["code"] == "invalid"
