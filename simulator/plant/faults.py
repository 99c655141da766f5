# What can break, by name: faults.apply(plant, name, value); value 0 mends it. A fault is a word
# that one place of the step looks at, or a word of a sensor's channel. No physics here.
from micropython import const

from .bounds import within
from .rooms import FAULTS
from .sensors import BASE_SIGMA, DRIFT, GAIN, SIGMA, STUCK
from .words import CHANNELS

# --- words of the fault list
_SSR_BREW = const(0)  # 1: conducts always, 2: never
_SSR_STEAM = const(1)
_SCALED_BREW = const(2)  # remaining power, permille
_SCALED_STEAM = const(3)
_PUMP = const(4)
_VALVE_BREW = const(5)  # 1: stays closed, 2: stays open
_VALVE_STEAM = const(6)
_VALVE_WATER = const(7)
_VALVE_REFILL = const(8)
_METER = const(9)
_TANK = const(10)
_FLOAT = const(11)
_SCALE_SILENT = const(12)
_SCALE_STUCK = const(13)
_GRINDER = const(14)
_RELAY = const(15)
_PUCK = const(16)  # 1: none, 2: blind
_PROBE = const(17)  # 1: reads covered for ever, 2: reads bare for ever
FAULT_WORDS = 18
_PERMILLE = const(100000)

SCALED_BREW, SCALED_STEAM, GRINDER = _SCALED_BREW, _SCALED_STEAM, _GRINDER

# name: (word, the most it takes, what the value means)
_BY_WORD = {
    "stuck_ssr_brew": (_SSR_BREW, 2, "1: the element stays on, 2: it never comes on"),
    "stuck_ssr_steam": (_SSR_STEAM, 2, "1: the element stays on, 2: it never comes on"),
    "scaled_heater_brew": (_SCALED_BREW, _PERMILLE, "remaining power, permille"),
    "scaled_heater_steam": (_SCALED_STEAM, _PERMILLE, "remaining power, permille"),
    "pump_broken": (_PUMP, 1, "1: the pump moves no water"),
    "stuck_valve_brew": (_VALVE_BREW, 2, "1: stays closed, 2: stays open"),
    "stuck_valve_steam": (_VALVE_STEAM, 2, "1: stays closed, 2: stays open"),
    "stuck_valve_water": (_VALVE_WATER, 2, "1: stays closed, 2: stays open"),
    "stuck_valve_refill": (_VALVE_REFILL, 2, "1: stays closed, 2: stays open"),
    "stuck_flowmeter": (_METER, 1, "1: no pulses"),
    "empty_tank": (_TANK, 1, "1: the pump draws air and the float is down"),
    "stuck_float": (_FLOAT, 1, "1: the float shows water whatever the tank holds"),
    "scale_silent": (_SCALE_SILENT, 1, "1: the load cell's converter never has a reading ready"),
    "scale_stuck": (_SCALE_STUCK, 1, "1: the load cell's reading is frozen"),
    "grinder_jam": (_GRINDER, 1, "1: the grinder turns but delivers nothing"),
    "stuck_relay": (_RELAY, 1, "1: the safety relay's contacts are welded"),
    "no_puck": (_PUCK, 1, ""),
    "blocked_puck": (_PUCK, 1, ""),
    "stuck_probe": (_PROBE, 2, "1: the level probe always reads covered, 2: always bare"),
}
# kind: (the least, the most, what the value means)
_SENSOR = {
    "sensor_open": (0, 1, "1: wire broken"),
    "sensor_short": (0, 1, "1: wires shorted"),
    "sensor_drift": (
        -100000, 100000, "offset of the reading in m°C, or mbar for the pressure",
    ),
    "sensor_noise": (0, _PERMILLE, "noise as a multiple of its nominal sigma, permille"),
}


# the figure that is 0 on a machine without the part that breaks
_PART = {
    "stuck_ssr_steam": "has_steam",
    "scaled_heater_steam": "has_steam",
    "stuck_valve_steam": "has_steam",
    "stuck_valve_water": "hot_water_ul_s_bar",
    "stuck_valve_refill": "probe_ml",
    "stuck_probe": "probe_ml",
    "scale_silent": "scale_counts_g",
    "scale_stuck": "scale_counts_g",
    "grinder_jam": "grinder_mg_s",
    "stuck_relay": "has_relay",
}


def names(plant):
    """Every fault this machine has a part for, with what its value means: {name: text}."""
    figure = plant.figures.nominal
    known = {
        name: text
        for name, (_, _, text) in _BY_WORD.items()
        if name not in _PART or figure[_PART[name]]
    }
    known["no_puck"] = "1: the basket is empty"
    known["blocked_puck"] = "1: no water passes the basket"
    known["puck_step"] = "the puck's resistance moves to this permille in 1 s, or [permille, ms]"
    for kind, (_, _, text) in _SENSOR.items():
        for channel, sensor in zip(CHANNELS, plant.sensors):
            if sensor:
                known[kind + "_" + channel] = text
    return known


def apply(plant, name, value):
    """Sets or, with value 0, mends a fault.

    Raises:
        ValueError: no such fault on this machine, the text names those there are; or a value that
            the fault does not take.
    """
    if name not in names(plant):
        raise ValueError(
            "fault: this machine has no fault %r; use one of %s"
            % (name, ", ".join(sorted(names(plant))))
        )
    if name in _BY_WORD:
        word, most, _ = _BY_WORD[name]
        value = within(name, value, 0, most)
        if name == "blocked_puck" and value:
            value = 2
        if word in (_SCALED_BREW, _SCALED_STEAM):
            value = value or 1000
        plant.rooms[FAULTS][word] = value
    elif name == "puck_step":
        _puck_step(plant, value)
    else:
        kind, _, channel = name.rpartition("_")
        least, most, _ = _SENSOR[kind]
        _sensor(plant, kind, CHANNELS.index(channel), within(name, value, least, most))


def _puck_step(plant, value):
    factor, ms = value if isinstance(value, (list, tuple)) else (value, 1000)
    factor = within("puck_step", factor, 0, _PERMILLE) or 1000
    plant.disturb_puck(factor, within("puck_step ms", ms, 0, 3600000))


def _sensor(plant, kind, channel, value):
    c = plant.channels[channel]
    if kind == "sensor_open":
        c[STUCK] = plant.open_code(channel) if value else -1
    elif kind == "sensor_short":
        c[STUCK] = 65535 - plant.open_code(channel) if value else -1
    elif kind == "sensor_drift":
        c[DRIFT] = plant.drift_code(channel, value)
    else:
        c[GAIN] = value or 1000
        c[SIGMA] = c[BASE_SIGMA] * c[GAIN] // 1000
