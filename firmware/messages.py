# What the machine says of itself, as the contract has it: status, info and state. Reads live and
# board, changes nothing; what this board does not have is left out.
import board
import live as names
from files import as_json
from recipe_rules import limits
from version import VERSION, build

MESSAGE_MAX = 1024

# attributes of Live with the contract's names
_READINGS = ("temp_mc", "setpoint_mc", "flow_ul_s", "volume_ul", "duty_permille")
_STEAM = ("steam_temp_mc", "steam_setpoint_mc", "steam_duty_permille")
_SWITCHES = ("water", "tray", "cup", "remote")
_TICKS = ("ticks", "late_ticks", "late_max_us", "busy_max_us")


def status(boot, online):
    return b'{"v":1,"online":%s,"boot":%d}' % (b"true" if online else b"false", boot)


def info(serial, boot, journal, commands):
    return as_json({
        "v": 1, "model": board.MODEL, "serial": serial, "hardware": board.HARDWARE,
        "firmware": VERSION, "build": build(), "boot": boot, "journal": journal,
        "capabilities": list(board.CAPABILITIES), "commands": list(commands), "limits": limits(),
    })


class State:
    def __init__(self, live, boot):
        self._live = live
        self._numbers = _READINGS + _TICKS + self._fitted()
        self._switches = _SWITCHES + tuple(
            name for name, pin in (("door", board.DOOR), ("hopper", board.HOPPER))
            if pin is not None)
        self._form = (
            '{"v":1,"boot":%d,"uptime_ms":%%d,"utc_ms":%%s,"state":"%%s","shot":%%s,' % boot
            + "".join('"%s":%%d,' % name for name in self._numbers)
            + "".join('"%s":%%s,' % name for name in self._switches)
            + '"alarms":[%s],"latched":[%s],"heap_free":%d,"journal_held":%d}')
        self._said = [-1] * 6
        self._said_temp_mc = 0

    def _fitted(self):
        found = _STEAM if board.ADC_STEAM else ()
        for name, at in (("group_temp_mc", board.ADC_GROUP), ("pressure_mbar", board.ADC_PRESSURE),
                         ("weight_mg", board.HX711_DOUT)):
            if at is not None:
                found += (name,)
        return found

    def changed(self):
        # since the last message: what a person or a program acts on
        live, said = self._live, self._said
        return (live.state != said[0] or live.alarms != said[1] or live.latched != said[2]
                or live.shot != said[3] or live.setpoint_mc + live.steam_setpoint_mc != said[4]
                or self._bits() != said[5])

    def moved_mc(self):
        return abs(self._live.temp_mc - self._said_temp_mc)

    def _bits(self):
        live = self._live
        return (live.water | live.tray << 1 | live.cup << 2 | live.remote << 3 | live.door << 4
                | live.hopper << 5)

    def message(self, uptime_ms, utc_ms, heap_free, held):
        live, said = self._live, self._said
        said[0], said[1], said[2], said[3] = live.state, live.alarms, live.latched, live.shot
        said[4] = live.setpoint_mc + live.steam_setpoint_mc
        said[5] = self._bits()
        self._said_temp_mc = live.temp_mc
        values = (
            (uptime_ms, _or_null(utc_ms), names.STATE_NAMES[said[0]], _or_null(said[3] or None))
            + tuple(getattr(live, name) for name in self._numbers)
            + tuple("true" if getattr(live, name) else "false" for name in self._switches))
        text = self._form % (values + (_alarms(said[1]), _alarms(said[2]), heap_free, held))
        if len(text) > MESSAGE_MAX:  # a dozen alarms at once: name those that are latched once
            alarms = _alarms(said[1] & ~said[2])
            text = self._form % (values + (alarms, _alarms(said[2]), heap_free, held))
        return text


def _or_null(value):
    return "null" if value is None else value


def _alarms(mask):
    if not mask:
        return ""
    return ",".join('"%s"' % name for k, name in enumerate(names.ALARM_NAMES) if mask >> k & 1)
