# The board's Wi-Fi: joining takes time, the access point can go away, and then the driver says so
# and stays down until the firmware connects again. `air` is what faults and sockets look at.
import kernel
from kernel import words

STA_IF = 0
AP_IF = 1
STAT_IDLE = 0
STAT_CONNECTING = 1
STAT_GOT_IP = 3
STAT_CONNECT_FAIL = -1
STAT_NO_AP_FOUND = -2
STAT_WRONG_PASSWORD = -3

_JOIN_US = 2500000  # scan, join, DHCP on a Pico W
_hostname = ["PicoW"]
_country = ["XX"]


class Air:
    # The radio's world: is there an access point, and does the link stand.
    def __init__(self):
        self.access_point = True
        self.password = None  # None: any
        self.joined = False
        self.join_at = 0  # us, 0: not joining
        self.epoch = 0  # counts losses: sockets opened before one are dead

    def lose(self):
        self.access_point = False
        if self.joined:
            self.epoch += 1
        self.joined = False

    def find(self):
        self.access_point = True

    def up(self):
        if self.join_at and words[0] >= self.join_at:
            self.join_at = 0
            self.joined = self.access_point
        return self.joined


air = Air()
_interfaces = {}


class WLAN:
    PM_NONE = 0
    PM_PERFORMANCE = 0xA11142
    PM_POWERSAVE = 0xA11C82

    def __new__(cls, interface=STA_IF):
        # one object an interface, as on the board
        w = _interfaces.get(interface)
        if w is None:
            w = _interfaces[interface] = object.__new__(cls)
            w._active = w._tried = w._wrong = False
        return w

    def active(self, on=None):
        if on is None:
            return self._active
        if on and not self._active:
            kernel.advance(200000)  # loads the radio's firmware
        self._active = bool(on)
        if not on:
            self.disconnect()

    def connect(self, ssid=None, key=None, **more):
        if not self._active:
            raise OSError(1)
        self._tried = True
        self._wrong = air.password is not None and key != air.password
        air.join_at = 0 if self._wrong else words[0] + _JOIN_US
        kernel.advance(1000)

    def disconnect(self):
        if air.joined:
            air.epoch += 1
        air.joined = False
        air.join_at = 0
        self._tried = False

    def isconnected(self):
        return air.up()

    def status(self, what=None):
        if what == "rssi":
            return -58
        if air.up():
            return STAT_GOT_IP
        if air.join_at:
            return STAT_CONNECTING
        if not self._tried:
            return STAT_IDLE
        if self._wrong:
            return STAT_WRONG_PASSWORD
        return STAT_NO_AP_FOUND if not air.access_point else STAT_CONNECT_FAIL

    def ifconfig(self, new=None):
        if air.up():
            return ("192.0.2.20", "255.255.255.0", "192.0.2.1", "192.0.2.1")
        return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")

    def config(self, *names, **values):
        if names:
            import life

            return {"mac": b"\x28\xcd\xc1" + life.unique_id()[-3:], "pm": 0}.get(names[0])


def hostname(name=None):
    if name is None:
        return _hostname[0]
    _hostname[0] = name


def country(code=None):
    if code is None:
        return _country[0]
    if len(code) != 2:
        raise ValueError
    _country[0] = code
