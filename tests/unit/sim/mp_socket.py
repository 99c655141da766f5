# The board's TCP over a real socket: what blocks, what is refused, what a lost link looks like.
# The far end is a listening socket of the host in this very process.
import errno
import select
import socket
import time

import kernel
import network
import usocket
from kernel import NOW, words

PORT = 18999


class Dead(Exception):
    pass


def fresh(attached=True):
    kernel.reset_state()
    words[kernel.PLANT_DUE] = kernel.FAR
    for name in socket.faults:
        socket.faults[name] = 0
    socket.host["attached"] = attached
    network.air.find()
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.connect("any", "key")
    time.sleep_ms(3000)
    assert wlan.isconnected()
    return wlan


def listener():
    s = usocket.socket()
    s.setsockopt(1, 2, 1)
    s.bind(usocket.getaddrinfo("127.0.0.1", PORT)[0][-1])
    s.listen(1)
    return s


def connected():
    # (shim socket, far end)
    far = listener()
    near = socket.socket()
    near.setblocking(False)
    try:
        near.connect(("127.0.0.1", PORT))
    except OSError as e:
        assert e.errno == errno.EINPROGRESS
    peer = far.accept()[0]
    far.close()
    return near, peer


def raises(number, f, *args):
    try:
        f(*args)
    except OSError as e:
        return e.errno == number
    return False


def test_joining_takes_its_time_and_can_be_lost():
    fresh()
    wlan = network.WLAN(network.STA_IF)
    wlan.disconnect()
    wlan.connect("any", "key")
    assert not wlan.isconnected() and wlan.status() == network.STAT_CONNECTING
    time.sleep_ms(2600)
    assert wlan.isconnected() and wlan.status() == network.STAT_GOT_IP
    network.air.lose()
    assert not wlan.isconnected()
    network.air.find()
    time.sleep_ms(5000)
    assert not wlan.isconnected(), "the driver does not join again by itself"
    wlan.connect("any", "key")
    time.sleep_ms(2600)
    assert wlan.isconnected()


def test_connect_is_in_progress_then_writable():
    fresh()
    near, peer = connected()
    p = select.poll()
    p.register(near, select.POLLOUT)
    assert p.poll(100)[0][1] == select.POLLOUT
    near.write(b"hello")
    assert peer.recv(5) == b"hello"
    near.close()


def test_reading_with_nothing_there():
    fresh()
    near, peer = connected()
    assert near.read(4) is None
    assert near.readinto(bytearray(4)) is None
    assert raises(errno.EAGAIN, near.recv, 4)
    peer.send(b"ab")
    time.sleep_ms(1)
    assert near.read(4) == b"ab"
    peer.close()
    assert near.read(4) == b""
    near.close()


def test_timeout_is_in_virtual_time():
    fresh()
    near, peer = connected()
    near.settimeout(2)
    start = words[NOW]
    assert raises(errno.ETIMEDOUT, near.recv, 1)
    assert 2000000 <= words[NOW] - start < 2100000
    near.close()


def test_setblocking_true_never_returns_and_the_watchdog_bites():
    # the trap of umqtt's check_msg: on the board it hangs, on a desktop a stale timeout hides it
    import machine

    fresh()
    near, peer = connected()

    def bite():
        raise Dead()

    kernel.on_watchdog(bite)
    machine.WDT(timeout=8388)
    start = words[NOW]
    near.settimeout(1)
    near.setblocking(True)
    try:
        near.recv(1)
        hung = False
    except Dead:
        hung = True
    assert hung
    assert words[NOW] - start >= 8388000
    near.close()


def test_send_buffer_is_bounded_and_writes_are_short():
    fresh()
    near, peer = connected()
    sent = 0
    for _ in range(2000):
        n = near.write(b"x" * 20000)
        if n is None:
            break
        assert n <= socket.SEND_BUFFER
        sent += n
    assert n is None, "a peer that does not read must fill the buffer"
    assert raises(errno.EAGAIN, near.send, b"x")
    near.close()


def test_no_network_refuses_at_the_same_moment():
    seen = []
    for _ in range(2):
        fresh(attached=False)
        s = socket.socket()
        s.setblocking(False)
        assert raises(errno.EINPROGRESS, s.connect, ("192.0.2.1", 1883))
        p = select.poll()
        p.register(s, select.POLLOUT)
        events = p.poll(1000)
        assert events[0][1] & (select.POLLERR | select.POLLHUP)
        assert raises(errno.ECONNREFUSED, s.recv, 1)
        seen.append(words[NOW])
        s.close()
    assert seen[0] == seen[1]


def test_names_resolve_while_the_caller_waits():
    fresh()
    start = words[NOW]
    found = socket.getaddrinfo("127.0.0.1", PORT)[0]
    assert found[-1] == ("127.0.0.1", PORT)
    assert words[NOW] - start >= 20000
    socket.faults["dns_slow"] = 6000
    start = words[NOW]
    socket.getaddrinfo("127.0.0.1", PORT)
    assert words[NOW] - start >= 6000000


def test_no_link_no_names_no_connections():
    wlan = fresh()
    wlan.disconnect()
    assert raises(-2, socket.getaddrinfo, "127.0.0.1", PORT)
    s = socket.socket()
    assert raises(errno.EHOSTUNREACH, s.connect, ("127.0.0.1", PORT))


def test_a_lost_link_swallows_and_then_aborts():
    wlan = fresh()
    near, peer = connected()
    network.air.lose()
    assert near.write(b"into the void") == 13
    assert near.read(4) is None
    lost = 0
    while near.write(b"y" * 4096):
        lost += 1
        assert lost < 10
    network.air.find()
    wlan.connect("any", "key")
    time.sleep_ms(2600)
    assert wlan.isconnected()
    assert raises(errno.ECONNABORTED, near.recv, 1)
    near.close()


def test_a_broker_that_dies_resets_and_refuses():
    fresh()
    near, peer = connected()
    socket.faults["broker_lost"] = 1
    socket.break_connections()
    assert raises(errno.ECONNRESET, near.recv, 1)
    again = socket.socket()
    again.settimeout(5)
    assert raises(errno.ECONNREFUSED, again.connect, ("127.0.0.1", PORT))


def test_a_slow_network_lets_few_bytes_pass():
    fresh()
    near, peer = connected()
    socket.faults["broker_slow"] = 10
    start = words[NOW]
    done = 0
    while done < 100:
        done += near.write(b"z" * (100 - done)) or 0
        time.sleep_ms(1)
    assert words[NOW] - start >= 80000, words[NOW] - start
    near.close()


def test_garbled_bytes():
    fresh()
    near, peer = connected()
    socket.faults["broker_garbled"] = 200
    peer.send(b"\0" * 1000)
    time.sleep_ms(5)
    got = near.recv(1000)
    wrong = sum(1 for b in got if b)
    assert 100 < wrong < 300, wrong
    near.close()


def test_tls_and_streams_accept_the_socket():
    import ssl

    fresh()
    near, peer = connected()
    near.settimeout(1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_NONE
    peer.send(b"this is no TLS server\n")
    try:
        context.wrap_socket(near)
        assert False, "the handshake cannot succeed"
    except (OSError, ValueError) as e:
        assert "invalid" in str(e).lower() or e.args, e
    near.close()
