# Settings that survive: their defaults, what each may be, and who may change it. One JSON file,
# replaced atomically. Secrets go in and never come out again in any message.
import json
from binascii import hexlify

import board
import files
from command import is_int

_FILE = "config"
_TUNE = "tune"
_TEXT = 0
_INT = 1
_FLAG = 2

# name: (kind, default, lowest, highest); for text the least and greatest length
_RULES = {
    "machine": (_TEXT, "", 1, 32),
    "link": (_TEXT, "wifi", 0, 8),  # the way to the broker, one of _LINKS
    "uart_baud": (_INT, 115200, 9600, 921600),
    "wifi_ssid": (_TEXT, "", 0, 32),
    "wifi_key": (_TEXT, "", 0, 63),
    "wifi_country": (_TEXT, "", 0, 2),  # ISO 3166; "": the channels that all allow
    "broker_host": (_TEXT, "", 0, 128),
    "broker_port": (_INT, 0, 0, 65535),  # 0: 1883, or 8883 with TLS
    "broker_user": (_TEXT, "", 0, 64),
    "broker_password": (_TEXT, "", 0, 128),
    "broker_tls": (_FLAG, False, 0, 1),
    "broker_ca": (_TEXT, "", 0, 64),  # file name of the site's CA
    "command_key": (_TEXT, "", 0, 128),  # HMAC key; "": commands carry no mac
    "button_slot": (_INT, 0, 0, 15),
    "brew_setpoint_mc": (_INT, 0, 0, 0),  # 0: the board's
    "steam_setpoint_mc": (_INT, 0, 0, 0),
    "autotune": (_TEXT, "once", 0, 8),  # one of _AUTOTUNE
    "descale_l": (_INT, 60, 0, 1000),  # of water between two descalings; 0: never asked for
}
_SECRET = ("wifi_key", "broker_password", "command_key")
# who the machine is and what it trusts is said over the cable, not by what it trusts
_BY_CABLE = (
    "machine", "link", "uart_baud", "wifi_country", "broker_tls", "broker_ca", "command_key",
)
# once: in the first heat-up from cold; again: in the next one, too; off: never, and what was found
# is forgotten
_AUTOTUNE = ("once", "again", "off")
_LINKS = ("wifi", "usb", "uart")
# the others after a restart
_AT_ONCE = ("button_slot", "brew_setpoint_mc", "steam_setpoint_mc", "descale_l")
_RANGES = {"brew_setpoint_mc": board.BREW_RANGE_MC, "steam_setpoint_mc": board.STEAM_RANGE_MC}


def load():
    return Config()


def provision(settings):
    # Over the cable (or by the simulator): merges into the stored settings. ValueError names
    # each field that cannot be.
    config = Config()
    wrong = config.put(settings, remote=False)
    if wrong:
        raise ValueError("; ".join(f + ": " + m for f, m in wrong))


def default_machine():
    from machine import unique_id

    return "c" + hexlify(unique_id()).decode()[-8:]


class Config:
    # config["name"]: what was set, else the default
    def __init__(self):
        self._set = _stored()

    def __getitem__(self, name):
        if name in self._set:
            return self._set[name]
        if name == "machine":
            return default_machine()
        return _RULES[name][1]

    def put(self, settings, remote=True):
        # All or nothing. Returns problems as (field, message), [] when it is stored.
        wrong = problems(settings, remote)
        if not wrong:
            merged = dict(self._set)
            merged.update(settings)
            if merged != self._set:
                files.replace(_FILE, files.as_json(merged))
                self._set = merged
                if self["autotune"] == "off":
                    files.remove(_TUNE)
        return wrong

    def tune(self):
        # The five figures of an auto-tune like board.BREW_BOILER, None when the board's own are
        # to be used.
        figures = _json_file(_TUNE).get("brew")
        return figures if isinstance(figures, list) and len(figures) == 5 else None

    def keep_tune(self, figures, tuned=True):
        # tuned: else only a shot had something to say, and who wants a tune still wants it
        if self["autotune"] == "off":
            return
        files.replace(_TUNE, files.as_json({"brew": figures}))
        if tuned and self["autotune"] == "again":
            self.put({"autotune": "once"})

    def wants_tune(self):
        wish = self["autotune"]
        return wish == "again" or wish == "once" and self.tune() is None

    def shown(self):
        # every setting but the secrets, of which only whether they are set
        out = {}
        for name in _RULES:
            out[name] = bool(self[name]) if name in _SECRET else self[name]
        return out


def problems(settings, remote=True):
    # (name, message) of each setting that cannot be
    found = [(str(name), _problem(name, settings[name], remote)) for name in settings]
    return [(name, message) for name, message in found if message]


def needs_restart(names):
    return any(name not in _AT_ONCE for name in names)


def _json_file(name):
    # a file nobody can read is as none: the machine works with its defaults, and shows it
    try:
        found = json.loads(files.read(name) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _stored():
    found = _json_file(_FILE)
    return {n: v for n, v in found.items() if n in _RULES and not _problem(n, v, False)}


def _problem(name, value, remote):
    if name not in _RULES:
        return "no such setting; there are " + ", ".join(sorted(_RULES))
    if remote and name in _BY_CABLE:
        return "not over MQTT; set it over the cable with make provision"
    kind, _, least, most = _RULES[name]
    if kind == _FLAG:
        return None if isinstance(value, bool) else "send true or false"
    if kind == _TEXT:
        return _text_problem(name, value, least, most)
    if name in _RANGES:
        return _setpoint_problem(name, value)
    if is_int(value) and least <= value <= most:
        return None
    return "send a whole number from %d to %d" % (least, most)


def _text_problem(name, value, least, most):
    if not isinstance(value, str) or not least <= len(value.encode()) <= most:
        return "send a text of %d to %d bytes" % (least, most)
    if name == "machine" and not all(c in "abcdefghijklmnopqrstuvwxyz0123456789-" for c in value):
        return "use a-z, 0-9 and - only"
    if name == "link":
        return _link_problem(value)
    if name == "wifi_country" and value and not (len(value) == 2 and value.isalpha()):
        return "send two letters, such as DE"
    if name == "autotune" and value not in _AUTOTUNE:
        return "send one of " + ", ".join(_AUTOTUNE)
    return None


def _link_problem(value):
    if value not in _LINKS:
        return "send one of " + ", ".join(_LINKS)
    if value == "uart" and not board.UART:
        return "this board has no UART to spare; use usb"
    return None


def _setpoint_problem(name, value):
    limits = _RANGES[name]
    if limits is None:
        return "this machine has no steam boiler; leave it out"
    if is_int(value) and (value == 0 or limits[0] <= value <= limits[1]):
        return None
    return "send %d to %d (milli degrees Celsius), or 0 for the default" % limits
