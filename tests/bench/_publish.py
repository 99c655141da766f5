# One side of bench_link.py, under MicroPython on the host's own sockets and clock: publishes with
# QoS 1, waits for each PUBACK, prints the microseconds of each round trip. argv: ours|stock, port,
# how many.
import sys

import uselect
import usocket
import utime

TOPIC = b"coffee/v1/bench/journal"
MESSAGE = b"x" * 600


def ours(port, n):
    import incoming
    import link as link_module
    import net
    import opening
    import outgoing
    from link import Link
    from opening import UP

    # past the simulator: the host's sockets and the host's clock
    opening.socket = usocket
    incoming.select = opening.select = uselect
    for module in (link_module, opening, outgoing, net):
        module.time = utime
    link = Link("bench-ours", "127.0.0.1", port, keepalive=0)
    link.connect()
    while link.phase != UP:
        link.step(utime.ticks_ms())
    for _ in range(n):
        began = utime.ticks_us()
        pid = link.publish(TOPIC, MESSAGE, qos=1)
        while link.out.acked != pid:
            link.step(utime.ticks_ms())
        yield utime.ticks_diff(utime.ticks_us(), began)
    link.disconnect()


def stock(port, n):
    from umqtt.simple import MQTTClient

    client = MQTTClient("bench-stock", "127.0.0.1", port)
    client.connect()
    for _ in range(n):
        began = utime.ticks_us()
        client.publish(TOPIC, MESSAGE, qos=1)
        yield utime.ticks_diff(utime.ticks_us(), began)
    client.disconnect()


which, port, n = sys.argv[-3:]
for us in {"ours": ours, "stock": stock}[which](int(port), int(n)):
    print(us)
