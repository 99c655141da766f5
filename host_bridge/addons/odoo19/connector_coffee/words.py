"""The contract's codes in people's words, and what to do about them; translated like all else.

A code this page does not know is shown as it is, never hidden: the firmware may be newer. The
bridge's console says the same (a test holds them together).
"""

from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)

ALARMS = {
    "over_temp_brew": (
        _lt("Brew boiler too hot"),
        _lt("Let it cool down and have the heater drive checked."),
    ),
    "over_temp_steam": (
        _lt("Steam boiler too hot"),
        _lt("Let it cool down and have the heater drive checked."),
    ),
    "sensor_brew": (
        _lt("Brew temperature sensor fault"),
        _lt("Check the sensor's plug and cable."),
    ),
    "sensor_steam": (
        _lt("Steam temperature sensor fault"),
        _lt("Check the sensor's plug and cable."),
    ),
    "sensor_group": (
        _lt("Group temperature sensor fault"),
        _lt("Check the sensor's plug and cable."),
    ),
    "sensor_pressure": (
        _lt("Pressure sensor fault"),
        _lt("Check the transducer's plug and cable."),
    ),
    "no_heat_brew": (
        _lt("Brew boiler does not heat"),
        _lt("Check the heating element, thermal fuse and drive."),
    ),
    "no_heat_steam": (
        _lt("Steam boiler does not heat"),
        _lt("Check the heating element, fuse and drive."),
    ),
    "stuck_ssr_brew": (_lt("Brew heater stays on"), _lt("Unplug the machine; replace the relay.")),
    "stuck_ssr_steam": (
        _lt("Steam heater stays on"),
        _lt("Unplug the machine; replace the relay."),
    ),
    "dry_pump": (
        _lt("Pump runs without flow"),
        _lt("Fill the tank, check the hose and prime the pump."),
    ),
    "stagnation": (
        _lt("Water no longer flows"),
        _lt("Check the puck, grind, pump and flow meter."),
    ),
    "shot_too_long": (_lt("Shot took too long"), _lt("Grind coarser or check the puck.")),
    "shot_too_big": (_lt("Shot too large"), _lt("Check the flow meter and the recipe.")),
    "tank_empty": (_lt("Water tank empty"), _lt("Fill the tank and push it back in.")),
    "tray_full": (_lt("Drip tray full"), _lt("Empty the tray and put it back.")),
    "door_open": (_lt("Door open"), _lt("Close the door.")),
    "hopper_empty": (_lt("Bean hopper empty"), _lt("Fill the hopper.")),
    "scale_fault": (_lt("Scale not responding"), _lt("Check the load cell under the tray.")),
    "tick_overrun": (
        _lt("Controller too slow"),
        _lt("Restart the machine; if it happens again, report it."),
    ),
    "over_pressure": (_lt("Pressure too high"), _lt("Grind coarser; check the relief valve.")),
    "reset_storm": (
        _lt("Repeated restarts"),
        _lt("The machine is in safe mode: have the controller checked."),
    ),
    "steam_refill": (
        _lt("Steam boiler does not fill"),
        _lt("Check the water supply, refill valve and level probe."),
    ),
    "power_budget": (_lt("Power budget exceeded"), _lt("Have the heater drives checked.")),
}
"""Code → (what it is, what to do)."""

MAINTENANCE = {
    "backflush_done": _lt("Backflushed"),
    "descale_done": _lt("Descaled"),
    "wand_rinse_done": _lt("Steam wand rinsed"),
    "descale_due": _lt("Descaling is due"),
    "autotune_done": _lt("Self-tuned"),
}

REASONS = {
    "button": _lt("Button pressed"),
    "command": _lt("Stopped remotely"),
    "temperature": _lt("Temperature not reached"),
    "reset": _lt("Controller restarted"),
    "remote_disabled": _lt("Remote key turned off"),
    "cup_missing": _lt("Cup removed"),
}
"""Of a brew that did not end by itself; an alarm's code may be one, too."""


def alarm(env, code):
    """What an alarm is called in the language of `env`."""
    title, _cure = ALARMS.get(code, (None, None))
    return env._(title) if title else plain(code)


def cure(env, code):
    """What to do about an alarm; "" for one that is not known here."""
    _title, known = ALARMS.get(code, (None, None))
    return env._(known) if known else ""


def maintenance(env, code):
    return env._(MAINTENANCE[code]) if code in MAINTENANCE else plain(code)


def reason(env, code):
    return env._(REASONS[code]) if code in REASONS else alarm(env, code)


def plain(code):
    """`tank_empty` → `Tank empty`."""
    return (code or "").replace("_", " ").strip().capitalize()
