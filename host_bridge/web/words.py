"""The contract's codes in the words of the people who stand at the machine, and what they can do.

A code this page does not know is shown as it is, never hidden: the firmware may be newer.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GOOD, BUSY, WARN, BAD, QUIET = "good", "busy", "warn", "bad", "quiet"


@dataclass(frozen=True)
class Word:
    """What a code is called, its tone (a class of console.css) and a Material icon."""

    text: str
    tone: str
    icon: str


@dataclass(frozen=True)
class Trouble:
    """What an alarm means and what cures it."""

    title: str
    cure: str


NEEDS = {
    "tank_empty": "Needs water",
    "tray_full": "Tray full",
    "door_open": "Door open",
    "hopper_empty": "Needs beans",
}
"""What to say instead of Ready while this alarm stands."""

CLAIM_WELL = frozenset({"ready", "heating", "cold"})
"""States that sound as if all were well; with an alarm it is not."""

SENSORS = {
    "temp_mc": "sensor_brew",
    "group_temp_mc": "sensor_group",
    "steam_temp_mc": "sensor_steam",
    "pressure_mbar": "sensor_pressure",
    "weight_mg": "scale_fault",
}
"""Reading → the alarm that says its sensor cannot be believed."""

OFFLINE = Word("Offline", QUIET, "cloud_off")
SILENT = Word("No report yet", QUIET, "hourglass_empty")

STATES = {
    "cold": Word("Cold", QUIET, "ac_unit"),
    "heating": Word("Heating", WARN, "local_fire_department"),
    "ready": Word("Ready", GOOD, "check_circle"),
    "starting": Word("Starting", BUSY, "hourglass_top"),
    "preinfusion": Word("Pre-infusion", BUSY, "water_drop"),
    "brewing": Word("Brewing", BUSY, "coffee"),
    "ending": Word("Ending", BUSY, "coffee"),
    "hot_water": Word("Hot water", BUSY, "water_drop"),
    "steam": Word("Steam", BUSY, "air"),
    "cleaning": Word("Cleaning", BUSY, "cleaning_services"),
    "standby": Word("Standby", QUIET, "bedtime"),
    "fault": Word("Fault", BAD, "error"),
    "safe_mode": Word("Safe mode", BAD, "gpp_maybe"),
}

SHOT_STATES = frozenset({"starting", "preinfusion", "brewing", "ending"})
BUSY_STATES = SHOT_STATES | {"hot_water", "steam", "cleaning"}
FAULT_STATES = frozenset({"fault", "safe_mode"})

RESULTS = {
    "ok": Word("Done", GOOD, "check_circle"),
    "stopped": Word("Stopped", WARN, "stop_circle"),
    "aborted": Word("Aborted", BAD, "error"),
}

COMMAND_STATES = {
    "queued": Word("Waiting to be sent", BUSY, "schedule"),
    "sent": Word("Sent, waiting for the machine", BUSY, "hourglass_top"),
    "ok": Word("Done", GOOD, "check_circle"),
    "refused": Word("Refused", BAD, "block"),
    "expired": Word("No answer in time", WARN, "timer_off"),
}

BEGUN = frozenset({"brew", "clean"})
"""Commands that a machine answers when it begins; how they end its records tell."""

COMMANDS = {
    "brew": "Brew",
    "stop": "Stop",
    "recipe.put": "Send recipe",
    "recipe.delete": "Delete recipe",
    "setpoint": "Set temperature",
    "clean": "Clean",
    "standby": "Standby",
    "wake": "Wake up",
    "alarm.ack": "Acknowledge alarm",
    "identify": "Identify",
    "config.put": "Change settings",
    "update": "Update firmware",
    "clock": "Set clock",
}

SETTINGS = {
    "brew_mc": "Brew boiler",
    "steam_mc": "Steam boiler",
    "brew_setpoint_mc": "Brew boiler",
    "steam_setpoint_mc": "Steam boiler",
    "button_slot": "Recipe of the brew button, slot",
    "descale_l": "Descaling reminder",
    "autotune": "Self-tuning",
    "wifi_ssid": "Wi-Fi",
    "wifi_key": "Wi-Fi key",
    "wifi_country": "Wi-Fi country",
    "broker_host": "Broker",
    "broker_port": "Broker's port",
    "broker_user": "Broker's user",
    "broker_password": "Broker's password",
}
"""What `setpoint` and `config.put` can change."""

NO_PERSON = {
    "api": "by a program, through the API",
    "pour": "by the bridge itself: Pour a coffee",
}
"""Who orders through this bridge without being a person."""

PROGRAMS = {
    "backflush": "Backflush",
    "rinse": "Rinse steam wand",
    "descale": "Descale",
}

ALARMS = {
    "over_temp_brew": Trouble(
        "Brew boiler too hot", "Let it cool down and have the heater drive checked."
    ),
    "over_temp_steam": Trouble(
        "Steam boiler too hot", "Let it cool down and have the heater drive checked."
    ),
    "sensor_brew": Trouble("Brew temperature sensor fault", "Check the sensor's plug and cable."),
    "sensor_steam": Trouble(
        "Steam temperature sensor fault", "Check the sensor's plug and cable."
    ),
    "sensor_group": Trouble(
        "Group temperature sensor fault", "Check the sensor's plug and cable."
    ),
    "sensor_pressure": Trouble("Pressure sensor fault", "Check the transducer's plug and cable."),
    "no_heat_brew": Trouble(
        "Brew boiler does not heat", "Check the heating element, thermal fuse and drive."
    ),
    "no_heat_steam": Trouble(
        "Steam boiler does not heat", "Check the heating element, fuse and drive."
    ),
    "stuck_ssr_brew": Trouble("Brew heater stays on", "Unplug the machine; replace the relay."),
    "stuck_ssr_steam": Trouble("Steam heater stays on", "Unplug the machine; replace the relay."),
    "dry_pump": Trouble(
        "Pump runs without flow", "Fill the tank, check the hose and prime the pump."
    ),
    "stagnation": Trouble("Water no longer flows", "Check the puck, grind, pump and flow meter."),
    "shot_too_long": Trouble("Shot took too long", "Grind coarser or check the puck."),
    "shot_too_big": Trouble("Shot too large", "Check the flow meter and the recipe."),
    "tank_empty": Trouble("Water tank empty", "Fill the tank and push it back in."),
    "tray_full": Trouble("Drip tray full", "Empty the tray and put it back."),
    "door_open": Trouble("Door open", "Close the door."),
    "hopper_empty": Trouble("Bean hopper empty", "Fill the hopper."),
    "scale_fault": Trouble("Scale not responding", "Check the load cell under the tray."),
    "tick_overrun": Trouble(
        "Controller too slow", "Restart the machine; if it happens again, report it."
    ),
    "over_pressure": Trouble("Pressure too high", "Grind coarser; check the relief valve."),
    "reset_storm": Trouble(
        "Repeated restarts", "The machine is in safe mode: have the controller checked."
    ),
    "steam_refill": Trouble(
        "Steam boiler does not fill", "Check the water supply, refill valve and level probe."
    ),
    "power_budget": Trouble("Power budget exceeded", "Have the heater drives checked."),
}

MAINTENANCE = {
    "backflush_done": "Backflushed",
    "descale_done": "Descaled",
    "wand_rinse_done": "Steam wand rinsed",
    "descale_due": "Descaling is due",
    "autotune_done": "Self-tuned",
}

CAPABILITIES = {
    "brew": "brewing",
    "volumetric": "volumetric recipes",
    "profile": "pressure and flow profiles",
    "preinfusion": "pre-infusion",
    "weight": "scale",
    "grinder": "grinder",
    "hot_water": "hot water",
    "steam": "steam",
    "clean": "backflushing",
    "descale": "descaling program",
}

REASONS = {
    "button": "Button pressed",
    "command": "Stopped remotely",
    "temperature": "Temperature not reached",
    "reset": "Controller restarted",
    "remote_disabled": "Remote key turned off",
    "cup_missing": "Cup removed",
}
"""Why a brew did not end by itself; an alarm's code may be one, too."""

SWITCHES = {
    "water": ("Water", "Tank empty"),
    "tray": ("Tray in place", "Tray full or missing"),
    "cup": ("Cup in place", "No cup"),
    "remote": ("Remote enabled", "Remote key off"),
    "door": ("Door closed", "Door open"),
    "hopper": ("Beans", "Hopper empty"),
}
"""What a closed switch says and what an open one says."""


def state(code: str | None, online: bool, troubles: Sequence[str] = ()) -> Word:
    """Also says what stands in the way: a machine without water is not ready."""
    if not online:
        return OFFLINE
    if code is None:
        return SILENT
    if troubles and code in CLAIM_WELL:
        needs = next((NEEDS[t] for t in troubles if t in NEEDS), "Needs attention")
        return Word(needs, WARN, "priority_high")
    return STATES.get(code, Word(plain(code), BUSY, "help"))


def believed(state: Mapping[str, Any], name: str) -> int | None:
    """A reading, None while its sensor is broken: what it then says is no temperature."""
    value: int | None = state.get(name)
    return None if SENSORS.get(name) in state.get("alarms", ()) else value


def result(code: str) -> Word:
    return RESULTS.get(code, Word(plain(code), WARN, "help"))


def left_out(result: Mapping[str, Any] | None) -> str:
    """What a machine that answered did not know of the order, to be read after its name; "" if
    nothing. A misspelt field must not brew silently."""
    ignored = (result or {}).get("ignored")
    names = ", ".join(map(str, ignored)) if isinstance(ignored, list) else ""
    return f"does not know {names} and left it out; correct the name" if names else ""


def command_state(code: str, name: str = "", left: str = "") -> Word:
    """`name`: of the command; what a machine has only begun when it answers is not done, nor is
    that of which it `left` out something."""
    if code == "ok" and left:
        return Word("Done in part", WARN, "priority_high")
    if code == "ok" and name in BEGUN:
        return Word("Started", GOOD, "play_circle")
    return COMMAND_STATES.get(code, Word(plain(code), WARN, "help"))


def command(name: str) -> str:
    return COMMANDS.get(name, plain(name))


def by(user: str) -> str:
    """Who ordered."""
    return NO_PERSON.get(user) or f"by {user}"


def setting(name: str) -> str:
    return SETTINGS.get(name, plain(name))


def alarm(code: str) -> Trouble:
    return ALARMS.get(code, Trouble(plain(code), "See the machine's manual for this code."))


def maintenance(code: str) -> str:
    return MAINTENANCE.get(code, plain(code))


def capabilities(codes: Collection[str]) -> str:
    """What a machine can do, in the order of CAPABILITIES; what is new comes last."""
    known = [text for code, text in CAPABILITIES.items() if code in codes]
    new = sorted(plain(code).lower() for code in set(codes) - CAPABILITIES.keys())
    return ", ".join((*known, *new))


def reason(code: str) -> str:
    return REASONS.get(code) or alarm(code).title


def plain(code: str) -> str:
    """`tank_empty` → `Tank empty`."""
    return code.replace("_", " ").replace(".", " ").strip().capitalize() or "Unknown"


def checkpoints(count: int) -> str:
    return "1 checkpoint" if count == 1 else f"{count} checkpoints"
