# The session over a counted socket in virtual time: what goes out, when it is repeated, when it is
# given up, and that no step ever waits or does more than a handful of calls.
import gc
import time

import micropython
import opening
from link import Link
from opening import DOWN, GREETING, UP
from peer import Broker, Net, days_off, leap, pass_ms, publish

PREFIX = b"coffee/v1/m1/"


def made(broker=None, **more):
    net = Net(Broker() if broker is None else broker)
    opening.socket = net
    made = Link("coffee-m1", "broker", keepalive=30, **more)
    made.heard = []
    made.set_callback(lambda topic, msg: made.heard.append((topic, msg)))
    made.set_last_will(PREFIX + b"status", b'{"v":1,"online":false,"boot":17}', retain=True, qos=1)
    made.subscribe(PREFIX + b"cmd/#", 1)
    made.subscribe(PREFIX + b"ack", 1)
    made.connect()
    return made, net


def steps(link, n=20, ms=10):
    for _ in range(n):
        link.step(time.ticks_ms())
        pass_ms(ms)


def up(**more):
    link, net = made(**more)
    steps(link)
    assert link.phase == UP, link.reason
    return link, net


def until(link, what, limit_ms):
    gone = 0
    while not what():
        assert gone < limit_ms, "not within %d ms; %s" % (limit_ms, link.reason)
        steps(link, 1)
        gone += 10
    return gone


def test_greeting_carries_will_keepalive_and_clean_session():
    link, net = up()
    head, body = net.broker.packets[0]
    assert head == 0x10
    assert body == (
        b"\x00\x04MQTT\x04\x2e\x00\x1e" + b"\x00\x09coffee-m1"
        + b"\x00\x13coffee/v1/m1/status" + b'\x00\x20{"v":1,"online":false,"boot":17}'
    ), body
    head, body = net.broker.packets[1]
    assert head == 0x82
    assert body[2:] == b"\x00\x12coffee/v1/m1/cmd/#\x01\x00\x10coffee/v1/m1/ack\x01", body


def test_user_and_password_stand_last():
    _, net = up(user="m1", password="secret")
    assert net.broker.packets[0][1][7] == 0xEE
    assert net.broker.packets[0][1].endswith(b"\x00\x02m1\x00\x06secret")


def test_every_packet_is_one_write():
    link, net = up()
    writes = net.names["write"]
    assert link.publish(b"t/state", b"x" * 900)
    assert link.publish(b"t/journal", b"y" * 900, qos=1)
    link.out.ping_wanted = True
    steps(link, 5)
    assert net.names["write"] == writes + 3
    assert [head for head, _ in net.broker.packets[2:]] == [0x30, 0x32, 0xC0]


def test_the_socket_is_made_non_blocking_once_and_stays_so():
    link, net = up()
    for pid in range(1, 30):
        net.sockets[0].inbox += publish(b"t", b"m", qos=1, pid=pid)
        link.publish("t", "m", qos=1)
        steps(link, 3)
    assert len(link.heard) == 29
    assert net.names["setblocking"] == 1 and not net.sockets[0].blocking


def test_short_writes_continue_and_nothing_comes_between():
    for accepts in (1, 2, 3, 7, 100):
        link, net = up()
        net.accepts = accepts
        assert link.publish(b"t/a", b"x" * 300)
        assert not link.publish(b"t/b", b"z"), "took a second packet while the first is half out"
        assert link.publish(b"t/j", b"y" * 300, qos=1)
        net.sockets[0].inbox += publish(b"t", b"m", qos=1, pid=77)
        steps(link, 800, 1)
        got = [packet for packet in net.broker.packets[2:]]
        assert got[0] == (0x30, b"\x00\x03t/a" + b"x" * 300), got[0]
        assert (0x40, b"\x00\x4d") in got
        assert got[-1][0] == 0x32 and got[-1][1].endswith(b"y" * 300)
        assert len(got) == 3 and link.out.acked


def test_send_buffer_full_for_long_ends_the_session():
    link, net = up()
    net.accepts = 0
    link.publish(b"t", b"x")
    gone = until(link, lambda: link.phase == DOWN, 30000)
    assert 9000 <= gone <= 12000 and "cannot write" in link.reason, (gone, link.reason)


def test_qos1_is_repeated_with_dup_and_the_same_id():
    link, net = up()
    net.broker.deaf = {0x30}
    pid = link.publish(b"t", b"fact", qos=1)
    until(link, lambda: len(net.broker.of(0x30)) == 2, 7000)
    (first, body), (second, again) = net.broker.of(0x30)
    assert first == 0x32 and second == 0x3A
    assert body == again == b"\x00\x01t" + bytes([pid >> 8, pid & 255]) + b"fact"
    net.broker.deaf = set()
    until(link, lambda: link.out.acked == pid, 7000)
    assert len(net.broker.of(0x30)) == 3 and link.phase == UP and link.ready(1)


def test_puback_that_never_comes_ends_the_session():
    link, net = up()
    net.broker.deaf = {0x30}
    link.publish(b"t", b"fact", qos=1)
    gone = until(link, lambda: link.phase == DOWN, 30000)
    assert 14000 <= gone <= 16000, gone
    assert len(net.broker.of(0x30)) == 3 and "PUBACK" in link.reason


def test_puback_of_another_id_acknowledges_nothing():
    link, net = up()
    net.broker.deaf = {0x30}
    pid = link.publish(b"t", b"fact", qos=1)
    other = pid + 1
    net.sockets[0].inbox += bytes([0x40, 2, other >> 8, other & 255])
    steps(link)
    assert not link.out.acked and not link.ready(1)
    net.sockets[0].inbox += bytes([0x40, 2, pid >> 8, pid & 255])
    steps(link)
    assert link.out.acked == pid and link.ready(1)


def test_second_puback_of_a_repeated_message_is_harmless():
    link, net = up()
    net.broker.deaf = {0x30}
    first = link.publish(b"t", b"1", qos=1)
    net.sockets[0].inbox += bytes([0x40, 2, 0, first]) * 2
    steps(link)
    second = link.publish(b"t", b"2", qos=1)
    net.sockets[0].inbox += bytes([0x40, 2, 0, first])
    steps(link)
    assert second != first and not link.out.acked and link.phase == UP


def test_packet_ids_wrap_over_65535_and_never_are_zero():
    link, net = up()
    net.broker.packets = Forgetful()
    seen = bytearray(65536 // 8 + 1)
    for _ in range(65536):
        pid = link.publish(b"t", b"", qos=1)
        assert 1 <= pid <= 65535
        seen[pid >> 3] |= 1 << (pid & 7)
        link.step(0)
        assert link.out.acked == pid
    assert seen[0] == 0xFE and all(byte == 0xFF for byte in seen[1:8192])
    assert link.drops == 0


class Forgetful:
    def append(self, packet):
        pass


def test_ping_is_sent_when_nothing_is_heard_and_its_answer_keeps_the_session():
    link, net = up()
    for _ in range(100):
        steps(link, 100)  # 100 s
        link.publish(b"t", b"state")  # QoS 0 is answered by nobody
    assert link.phase == UP and 5 <= len(net.broker.of(0xC0)) <= 7


def test_missing_pingresp_ends_the_session():
    link, net = up()
    net.broker.deaf = {0xC0}
    gone = until(link, lambda: link.phase == DOWN, 60000)
    assert 24000 <= gone <= 26500 and "PINGRESP" in link.reason, (gone, link.reason)


def test_too_long_message_is_reported_and_acknowledged():
    told = []
    link, net = up(too_long=lambda topic, size: told.append((topic, size)))
    sock = net.sockets[0]
    sock.inbox += publish(PREFIX + b"cmd/recipe.put", b"r" * 9000, qos=1, pid=5)
    sock.inbox += publish(PREFIX + b"cmd/stop", b"{}", qos=1, pid=6)
    steps(link, 40)
    assert told == [(PREFIX + b"cmd/recipe.put", 27 + 2 + 2 + 9000)], told
    assert link.heard == [(PREFIX + b"cmd/stop", b"{}")]
    assert sorted(body for _, body in net.broker.of(0x40)) == [b"\x00\x05", b"\x00\x06"]


def test_longest_allowed_recipe_is_delivered():
    link, net = up()
    topic = b"coffee/v1/" + b"m" * 32 + b"/cmd/recipe.put"
    net.sockets[0].inbox += publish(topic, b"r" * 2048, qos=1, pid=5)
    steps(link, 20)
    assert link.heard == [(topic, b"r" * 2048)]


def test_endless_packet_that_trickles_ends_the_session_one_that_flows_does_not():
    link, net = up()
    net.sockets[0].inbox += b"\x30\xff\xff\xff\x7f\x00\x01t"  # 256 MiB announced
    gone = until(link, lambda: link.phase == DOWN, 60000)
    assert gone < 27000, gone
    link, net = up()
    net.sockets[0].inbox += b"\x30\xff\xff\xff\x7f\x00\x01t"
    for _ in range(1000):
        net.sockets[0].inbox += b"x" * 20
        steps(link, 10)  # 200 B/s, 100 s
    assert link.phase == UP


def test_a_step_never_does_more_than_a_handful_of_calls():
    # A flood of everything at once: each step stays small, none waits, all arrives.
    link, net = up()
    sock = net.sockets[0]
    want = 300
    for pid in range(1, want + 1):
        sock.inbox += publish(b"t", b"m" * 50, qos=1, pid=pid) + b"\xd0\x00" * 20
    most = 0
    for _ in range(2000):
        before = net.calls[0] + net.calls[1]
        heard = len(link.heard)
        link.step(time.ticks_ms())
        assert len(link.heard) <= heard + 1, "delivered two messages in one slice"
        most = max(most, net.calls[0] + net.calls[1] - before)
        pass_ms(1)
        if link.ready(1):
            link.publish(b"j", b"x" * 900, qos=1)
    assert most <= 10, most
    assert len(link.heard) == want and link.phase == UP


def test_messages_wait_while_their_thanks_cannot_go():
    link, net = up()
    net.accepts = 0
    for pid in range(1, 41):
        net.sockets[0].inbox += publish(b"t", b"m", qos=1, pid=pid)
    steps(link, 100)
    assert link.phase == UP and 0 < len(link.heard) < 20, (link.reason, len(link.heard))
    net.accepts = 1000
    steps(link, 100)
    thanked = [body[0] << 8 | body[1] for _, body in net.broker.of(0x40)]
    assert len(link.heard) == 40 and sorted(thanked) == list(range(1, 41))


def test_what_tls_holds_back_from_poll_is_read_on():
    link, net = up()
    net.sockets[0].read_once = False
    net.hides = True
    net.sockets[0].inbox += publish(b"t", b"m" * 700)
    steps(link, 5)
    assert link.heard == [(b"t", b"m" * 700)]


def test_a_step_with_nothing_to_do_allocates_nothing():
    import micropython

    link, net = up()
    now = time.ticks_ms()
    step = link.step
    for _ in range(1000):
        micropython.heap_lock()
        try:
            step(now)
        finally:
            micropython.heap_unlock()
    assert link.phase == UP, link.reason


def test_garbage_from_the_broker_only_ever_drops_the_session():
    seed = 7
    stream = (publish(PREFIX + b"cmd/brew", b'{"id":"1"}', qos=1, pid=3)
              + b"\xd0\x00\x40\x02\x00\x09"
              + publish(PREFIX + b"ack", b'{"seq":3}', qos=1, pid=4, retain=True))
    dropped = 0
    for _ in range(1500):
        link, net = up()
        spoilt = bytearray(stream)
        for _ in range(3):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            spoilt[(seed >> 8) % len(spoilt)] ^= 1 << (seed >> 24 & 7)
        net.sockets[0].inbox += bytes(spoilt)
        steps(link, 6)
        dropped += link.phase == DOWN
        assert link.phase in (UP, DOWN)
    assert 50 < dropped < 1450, dropped


def test_refused_connects_are_tried_for_ever_with_pauses_that_grow_and_differ():
    link, net = made()
    net.refuses = True
    pauses = []
    for _ in range(40):
        drops = link.drops
        pauses.append(until(link, lambda: link.drops > drops, 100000))
    assert all(p < 95000 for p in pauses) and max(pauses[10:]) > 60000 and min(pauses[10:]) > 25000
    assert pauses[1] <= 1600 and len(set(pauses[10:])) > 20, pauses
    net.refuses = False
    until(link, lambda: link.phase == UP, 100000)


def test_two_seeds_wait_differently():
    def third_pause(seed):
        link, net = made(seed=seed)
        net.refuses = True
        until(link, lambda: link.drops == 3, 100000)
        return until(link, lambda: link.drops == 4, 100000)

    assert len(set(third_pause(seed) for seed in range(10))) > 5


def test_refusals_of_the_broker_end_the_session():
    broker = Broker()
    broker.connack = 5
    link, _ = made(broker)
    steps(link, 5)
    assert link.phase == DOWN and "code 5" in link.reason, link.reason
    broker = Broker()
    broker.suback = 0x80
    link, _ = made(broker)
    steps(link, 5)
    assert link.phase == DOWN and "subscription refused" in link.reason, link.reason


def test_silent_broker_is_left_in_every_phase():
    for deaf, limit in ((0x10, 22000), (0x80, 22000)):
        broker = Broker()
        broker.deaf = {deaf}
        link, _ = made(broker)
        steps(link, 5)
        assert link.phase != DOWN
        until(link, lambda: link.phase == DOWN, limit)


def test_connection_that_never_opens_is_left():
    link, net = made()
    link.step(time.ticks_ms())
    net.sockets[0].connected = False
    gone = until(link, lambda: link.phase == DOWN, 20000)
    assert gone >= 9000


def test_closed_by_the_broker_reconnects_and_subscribes_anew():
    link, net = up()
    net.sockets[0].ended = True
    until(link, lambda: link.phase == DOWN, 100)
    until(link, lambda: link.phase == UP, 3000)
    assert link.session == 2 and len(net.broker.of(0x80)) == 2 and net.sockets[0].closed


def test_nothing_of_a_lost_session_goes_into_the_next():
    link, net = up()
    net.accepts = 10
    link.publish(b"t", b"half" * 20, qos=1)
    link.drop("wifi")
    net.accepts = 1000
    assert not link.publish(b"t", b"x", qos=1), "took a message while down"
    until(link, lambda: link.phase == UP, 3000)
    assert not net.broker.of(0x30) and link.ready(1)


def test_message_that_can_never_fit_names_its_size():
    link, _ = up()
    for qos, size in ((0, 1400), (1, 4400)):
        try:
            link.publish(b"t", b"x" * size, qos=qos)
        except ValueError as e:
            assert str(9 + 1 + size) in str(e)
            continue
        assert False


def test_retained_flag_of_the_delivered_message_is_known():
    link, net = up()
    flags = []
    link.set_callback(lambda topic, msg: flags.append(link.retained))
    net.sockets[0].inbox += publish(b"a", b"1", retain=True) + publish(b"b", b"2")
    steps(link)
    assert flags == [True, False]


class Resolver:
    # a network whose closed connections linger
    linger_ms = 10500
    address_now = ("192.0.2.7", 1883)

    def address(self, host, port):
        return self.address_now

    def socket(self):
        return opening.socket.socket()

    def failed(self):
        pass

    worked = failed


def told(net):
    # bytes of the PUBLISHes the broker got
    return sum([len(body) + 2 for _, body in net.broker.of(0x30)])


def test_no_more_is_on_its_way_than_the_network_can_keep():
    link, net = up()
    net.broker.deaf = {0xC0}  # as if nothing got through
    message = b"x" * 600
    taken = [link.publish(b"t", message) for _ in range(20) if not steps(link, 1)]
    assert 3 <= sum(taken) <= 4 and told(net) < 3000, taken
    assert not link.publish(b"t", b"fact", qos=1)
    gone = until(link, lambda: link.phase == DOWN, 30000)
    assert gone <= 10500 and "PINGRESP" in link.reason, (gone, link.reason)


def test_what_is_answered_makes_room_for_more():
    link, net = up()
    asked = len(net.broker.of(0xC0))
    for _ in range(20):
        until(link, lambda: link.publish(b"t", b"x" * 600), 200)
    assert told(net) > 12000 and len(net.broker.of(0xC0)) - asked >= 4
    asked = len(net.broker.of(0xC0))
    for _ in range(20):
        until(link, lambda: link.publish(b"t", b"x" * 600, qos=1), 200)
    assert len(net.broker.of(0xC0)) - asked <= 1, "a PUBACK is answer enough"


def test_a_connection_that_fell_silent_is_forgotten_before_the_next():
    link, net = up(resolver=Resolver())
    net.broker.deaf = {0xC0}
    until(link, lambda: link.phase == DOWN, 60000)
    net.broker.deaf = set()
    assert until(link, lambda: link.phase != DOWN, 60000) >= 10500
    until(link, lambda: link.phase == UP, 1000)
    net.sockets[-1].ended = True  # this one says that it goes
    until(link, lambda: link.phase == DOWN, 100)
    assert until(link, lambda: link.phase == UP, 5000) < 5000
    link.drop("no network")
    assert until(link, lambda: link.phase != DOWN, 60000) >= 10500


def test_name_is_asked_for_only_when_the_resolver_says_so():
    resolver = Resolver()
    resolver.address_now = None
    link, net = made(resolver=resolver)
    steps(link, 50)
    assert link.phase == DOWN and "connect" not in net.names and link.drops == 0
    resolver.address_now = ("192.0.2.7", 1883)
    steps(link)
    assert link.phase == UP and "getaddrinfo" not in net.names


def test_tls_waits_while_a_shot_runs():
    calm = [False]
    wrapped = []

    class Context:
        def wrap_socket(self, sock, server_hostname=None, do_handshake_on_connect=True):
            wrapped.append((server_hostname, do_handshake_on_connect))
            return sock

    link, net = made(ssl=Context(), calm=lambda: calm[0])
    assert link.port == 8883
    steps(link, 50)
    assert not wrapped and link.phase == DOWN
    calm[0] = True
    steps(link, 2)
    assert wrapped == [("broker", False)] and link.phase == GREETING
    calm[0] = False
    net.broker.packets = []
    steps(link, 50)
    assert link.phase == GREETING and not net.broker.packets
    calm[0] = True
    steps(link)
    assert link.phase == UP


def test_memory_for_a_session_over_tls_is_kept_together_between_sessions():
    free = []

    class Context:
        def wrap_socket(self, sock, server_hostname=None, do_handshake_on_connect=True):
            free.append(gc.mem_free())
            return sock

    gc.collect()
    before = gc.mem_free()
    link, net = made(ssl=Context())
    assert before - gc.mem_free() > 24000
    steps(link)
    assert link.phase == UP and before - free[0] < 20000
    link.drop("the cat")
    gc.collect()
    assert before - gc.mem_free() > 24000
    before = gc.mem_free()
    plain, _ = made()
    assert before - gc.mem_free() < 24000  # nothing is kept for a session without TLS


def test_link_takes_both_umqtt_constructors():
    # umqtt.simple 1.8.0 has no ssl_params; a stand-in with its signature must serve as well
    import sys

    import umqtt.simple

    class Newer:
        def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0,
                     ssl=None):
            self.client_id = client_id
            self.server = server
            self.port = port
            self.user = user
            self.pswd = password
            self.keepalive = keepalive
            self.ssl = ssl
            self.pid = 0
            self.cb = self.lw_topic = self.lw_msg = None
            self.lw_qos = 0
            self.lw_retain = False

        def set_callback(self, f):
            self.cb = f

        def set_last_will(self, topic, msg, retain=False, qos=0):
            self.lw_topic, self.lw_msg, self.lw_qos, self.lw_retain = topic, msg, qos, retain

    global Link, opening
    kept = umqtt.simple.MQTTClient, Link, opening, sys.modules["link"]
    try:
        umqtt.simple.MQTTClient = Newer
        del sys.modules["link"], sys.modules["opening"]
        import link as again

        opening, Link = sys.modules["opening"], again.Link
        assert issubclass(Link, Newer)
        link, net = up(user="m1", password="secret")
        assert link.publish(b"t", b"x", qos=1)
        steps(link)
        assert link.out.acked
    finally:
        umqtt.simple.MQTTClient, Link, opening, sys.modules["link"] = kept
        sys.modules["opening"] = opening


def test_both_ways_to_ask_for_tls_and_none_without_a_ca():
    import tls

    class Trusting:
        verify_mode = tls.CERT_NONE

        def wrap_socket(self, *args, **more):
            pass

    for option, params, what in ((True, {}, "cadata"), (True, None, "cadata"),
                                 (Trusting(), None, "trusts")):
        try:
            Link("c", "broker", ssl=option, ssl_params=params)
        except ValueError as e:
            assert what in str(e), e
            continue
        assert False, option
    assert Link("c", "broker", ssl=False).port == 1883
    assert Link("c", "broker", ssl=None).port == 1883


def test_a_pass_with_nothing_to_do_takes_nothing_from_the_heap():
    # not even a frame: those of more than eleven words do
    link, _ = up()
    steps(link, 50)
    now = time.ticks_ms()
    link.step(now)
    before = micropython.mem_total()
    for _ in range(5):
        link.step(now)
    assert micropython.mem_total() == before
    link._work(now)
    assert micropython.mem_total() > before  # so the counter counts


def test_after_days_without_a_network_a_session_comes_up_and_is_watched():
    for days, ms in days_off():
        link, net = up()
        link.drop("no network")
        leap(ms)
        until(link, lambda: link.phase == UP, 3000)
        steps(link, 1600)
        assert 0xC0 in [head for head, _ in net.broker.packets[4:]], days
