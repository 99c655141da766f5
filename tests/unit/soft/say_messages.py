# Prints what the firmware says of itself, one "topic payload" a line, for test_messages.py to hold
# against the contract. Runs under MicroPython with either board; not a test itself.
import json

import live as names
import messages
from brew_fact import brew_fact
from clock import Clock
from command import Refusal
from curve import Curve
from live import Live

PREFIX = "coffee/v1/m1/"


def say(name, payload):
    if isinstance(payload, bytes):
        payload = payload.decode()
    print("@" + PREFIX + name, payload)


def states(live):
    live.setpoint_mc, live.steam_setpoint_mc = 93000, 123000  # the tick sets them at its start
    state = messages.State(live, 2147483647)
    say("state", state.message(0, None, 0, 0))
    for n in range(len(names.STATE_NAMES)):
        live.state = n
        say("state", state.message(9007199254740991, 4102444800000, 190000, 320))
    live.alarms = live.latched = (1 << len(names.ALARM_NAMES)) - 1
    live.temp_mc, live.weight_mg, live.pressure_mbar = -40000, -400000, -100
    live.ticks = live.late_ticks = live.late_max_us = live.busy_max_us = 0x3FFFFFFF
    live.setpoint_mc = live.steam_setpoint_mc = 130000
    live.shot = 0x3FFFFFFF
    live.duty_permille = live.steam_duty_permille = 1000
    say("state", state.message(9007199254740991, 4102444800000, 190000, 320))


def curves(live):
    live.shot = 12345
    curve = Curve(live, 2147483647)
    live.volume_ul = 300000
    live.flow_ul_s = 10800
    for k in range(29):
        live.shot_ms = 120000 + k
        live.samples.put(live)
    live.shot = 0
    while True:
        message = curve.message()
        if not message:
            return
        say("shot", message)


def dry_shot(live):
    # ended before its water ran: scale and gauge had nothing to say of it
    clock = Clock(live, 17)
    fact = clock.stamp(brew_fact(live, clock, 0, None))
    fact["seq"] = 1
    say("journal", json.dumps({
        "v": 1, "journal": "0123456789abcdef", "boot": 17, "seq": 1, "first": 1, "sent_ms": 0,
        "sent_utc_ms": None, "facts": [fact],
    }))


def all():
    import commands

    live = Live()
    say("status", messages.status(0, False))
    say("status", messages.status(2147483647, True))
    say("info", messages.info("e66141045c2d3f2a", 17, "0123456789abcdef", commands.NAMES))
    say("reply", Refusal("retained", "cmd", "commands must not be retained").reply())
    say("reply", Refusal("overload", None, "x" * 200).reply())
    states(live)
    curves(live)
    dry_shot(live)


all()
