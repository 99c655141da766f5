# MQTT 3.1.1 packets, put together in a buffer so that each goes out in one write. Reading them is
# incoming.py's; no socket, no time, no session here.
import micropython
from micropython import const

CONNECT = const(0x10)
CONNACK = const(0x20)
PUBLISH = const(0x30)
PUBACK = const(0x40)
SUBSCRIBE = const(0x82)
SUBACK = const(0x90)
PINGREQ = const(0xC0)
PINGRESP = const(0xD0)
DISCONNECT = const(0xE0)

DUP = const(8)
RETAIN = const(1)


@micropython.viper
def copy(to: ptr8, at: int, source: ptr8, start: int, n: int):
    i = 0
    while i < n:
        to[at + i] = source[start + i]
        i += 1


def put_head(tx, at, kind, size):
    # first byte and remaining length; returns where the body begins
    tx[at] = kind
    at += 1
    while size > 0x7F:
        tx[at] = size & 0x7F | 0x80
        size >>= 7
        at += 1
    tx[at] = size
    return at + 1


def put_word(tx, at, value):
    tx[at] = value >> 8
    tx[at + 1] = value & 0xFF
    return at + 2


def put_bytes(tx, at, data):
    n = len(data)
    copy(tx, at, data, 0, n)
    return at + n


def put_text(tx, at, data):
    return put_bytes(tx, put_word(tx, at, len(data)), data)


def put_connect(tx, at, client, clean):
    # client: an umqtt MQTTClient; its names, will and keepalive go into the packet
    flags = 2 if clean else 0
    parts = [as_bytes(client.client_id)]
    if client.lw_topic:
        flags |= 4 | client.lw_qos << 3 | client.lw_retain << 5
        parts += [as_bytes(client.lw_topic), as_bytes(client.lw_msg)]
    if client.user:
        flags |= 0xC0
        parts += [as_bytes(client.user), as_bytes(client.pswd or b"")]
    at = put_head(tx, at, CONNECT, 10 + sum(2 + len(part) for part in parts))
    at = put_bytes(tx, at, b"\x00\x04MQTT\x04")
    tx[at] = flags
    at = put_word(tx, at + 1, client.keepalive)
    for part in parts:
        at = put_text(tx, at, part)
    return at


def put_subscribe(tx, at, pid, filters):
    # filters: [(topic bytes, qos), …]
    at = put_head(tx, at, SUBSCRIBE, 2 + sum(3 + len(topic) for topic, _ in filters))
    at = put_word(tx, at, pid)
    for topic, qos in filters:
        at = put_text(tx, at, topic)
        tx[at] = qos
        at += 1
    return at


def publish_bytes(topic, message):
    # the most a PUBLISH of these takes
    return 9 + len(topic) + len(message)


def put_publish(tx, at, topic, message, retain, pid):
    # pid 0: QoS 0
    size = 2 + len(topic) + len(message) + (2 if pid else 0)
    at = put_head(tx, at, PUBLISH | (2 if pid else 0) | (RETAIN if retain else 0), size)
    at = put_text(tx, at, topic)
    if pid:
        at = put_word(tx, at, pid)
    return put_bytes(tx, at, message)


def as_bytes(text):
    return text.encode() if isinstance(text, str) else text
