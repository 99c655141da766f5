# poll() in virtual time: asking without waiting is one call of the host, waiting moves the clock.
# Sockets show nothing while the radio has no link; a serial line needs none.
import socket

import kernel
import uselect
from kernel import words
from network import air

POLLIN = 1
POLLOUT = 4
POLLERR = 8
POLLHUP = 16
_POLL_US = 20
_NOTHING = ()


class poll:
    def __init__(self):
        self._poll = uselect.poll()
        self._wired = False

    def register(self, thing, events=POLLIN | POLLOUT):
        self._wired = not isinstance(thing, socket.socket)
        self._poll.register(thing, events)

    def unregister(self, thing):
        self._poll.unregister(thing)

    def modify(self, thing, events):
        self._poll.modify(thing, events)

    # Two bodies, no helper in between: a pass of the firmware's loop must not pay for a bound
    # method on its heap.
    def poll(self, timeout_ms=-1, flags=0):
        kernel.advance(_POLL_US)
        if timeout_ms != 0:
            self._await(timeout_ms)
        return self._poll.poll(0) if air.joined or self._wired else _NOTHING

    def ipoll(self, timeout_ms=-1, flags=0):
        kernel.advance(_POLL_US)
        if timeout_ms != 0:
            self._await(timeout_ms)
        return self._poll.ipoll(0) if air.joined or self._wired else _NOTHING

    def _await(self, timeout_ms):
        until = words[0] + timeout_ms * 1000
        while not ((air.joined or self._wired) and self._poll.poll(0)):
            if timeout_ms > 0 and words[0] >= until:
                return
            kernel.advance(1000)


def select(read, write, error, timeout_s=None):
    p = poll()
    for s in read:
        p.register(s, POLLIN)
    for s in write:
        p.register(s, POLLOUT)
    ready = p.poll(-1 if timeout_s is None else int(timeout_s * 1000))
    return (
        [s for s, e in ready if s in read and e & ~POLLOUT],
        [s for s, e in ready if s in write and e & POLLOUT],
        [],
    )
