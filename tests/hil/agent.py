# Runs the whole firmware at the REPL, a stretch at a time, and tells what it sees. Sent to the
# board by tests/hil; the background lives only inside go(), a soft timer gives its sign of life.
import gc
import hold
import json
import time

import machine

READINGS = (  # of firmware/live.py
    "ticks", "uptime_ms", "late_ticks", "late_max_us", "busy_max_us", "temp_mc", "setpoint_mc",
    "steam_temp_mc", "steam_setpoint_mc", "group_temp_mc", "pressure_mbar", "flow_ul_s",
    "volume_ul", "pumped_ul", "weight_mg", "duty_permille", "steam_duty_permille", "shot",
    "shot_ms", "water", "tray", "cup", "remote", "door", "hopper", "water_ul", "energy_j",
    "grinds", "shots_done", "events_lost",
)
app = None
agent_beats = None


def begin():
    global app, agent_beats
    from app import App

    app = App()
    app.start()
    agent_beats = machine.Timer(period=300, mode=machine.Timer.PERIODIC,
                                callback=app.mailbox.beat)


def go(ms, pass_ms=5):
    hold.renew()
    end = time.ticks_add(time.ticks_ms(), ms)
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        began = time.ticks_ms()
        app.step()
        while time.ticks_diff(time.ticks_ms(), began) < pass_ms:
            machine.idle()
    tell()


def tell():
    import live as names

    seen = {name: getattr(app.live, name) for name in READINGS}
    for key in ("alarms", "latched"):
        mask = getattr(app.live, key)
        seen[key] = [n for i, n in enumerate(names.ALARM_NAMES) if mask >> i & 1]
    seen["state"] = names.STATE_NAMES[app.live.state]
    seen["broken"] = repr(app.tick.broken) if app.tick.broken else None
    gc.collect()
    seen["heap_free"] = gc.mem_free()
    print(json.dumps(seen))


def command(name, args):
    clock = app.clock
    if not clock.known:
        clock.set_utc(1800000000000)
    order = {"id": "hil-%d" % time.ticks_us(), "args": args, "deadline": clock.utc_ms() + 60000}
    reply = app.commands.take(name, json.dumps(order).encode())
    end = time.ticks_add(time.ticks_ms(), 3000)
    while reply is None and time.ticks_diff(end, time.ticks_ms()) > 0:
        app.facts.step()
        reply = app.commands.step()
        machine.idle()
    print(reply.decode())
