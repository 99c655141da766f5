"""Writes what follows from the boards' data: docs/wiring.md with its drawings, and each board's
package.json for `mpremote mip install`. `python -m boards.generate`; a test compares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from simulator.emulated.stand_in import read_data

ROOT = Path(__file__).resolve().parents[1]
VERSION = "0.1.0"

# GPIO → terminal of the 40-pin module (Raspberry Pi Pico data sheet, figure 4; Pico 2 is equal)
TERMINALS = {
    0: 1, 1: 2, 2: 4, 3: 5, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12, 10: 14, 11: 15, 12: 16, 13: 17,
    14: 19, 15: 20, 16: 21, 17: 22, 18: 24, 19: 25, 20: 26, 21: 27, 22: 29, 26: 31, 27: 32, 28: 34,
}
SUPPLY = {3: "GND", 8: "GND", 13: "GND", 18: "GND", 23: "GND", 28: "GND", 30: "RUN", 33: "AGND",
          35: "ADC_VREF", 36: "3V3", 37: "3V3_EN", 38: "GND", 39: "VSYS", 40: "VBUS"}

OUTPUT = "output, high is on; add 10 kΩ to ground so that it rests low while the chip starts"
SWITCH = "input with pull-up; closes to GND when "
ROLES = {  # board attribute: (what hangs there, how)
    "HEATER_BREW": ("brew boiler SSR", OUTPUT),
    "HEATER_STEAM": ("steam boiler SSR", OUTPUT),
    "PUMP": ("pump", OUTPUT),
    "VALVE_BREW": ("3-way brew valve", OUTPUT),
    "VALVE_STEAM": ("steam valve", OUTPUT),
    "VALVE_WATER": ("hot-water valve", OUTPUT),
    "VALVE_REFILL": ("steam boiler refill valve", OUTPUT),
    "GRINDER": ("grinder relay", OUTPUT),
    "SAFETY_RELAY": ("contactor of all heaters", OUTPUT),
    "ADC_MUX": ("analogue switch, select", "output"),
    "FLOWMETER": ("flow meter, open collector", "input with pull-up, counts falling edges"),
    "HX711_DOUT": ("HX711 DOUT", "input"),
    "HX711_SCK": ("HX711 PD_SCK", "output"),
    "TANK": ("tank float", SWITCH + "there is water"),
    "TRAY": ("drip tray", SWITCH + "it is in place and not full"),
    "CUP": ("cup sensor", SWITCH + "a cup stands there"),
    "KEY_REMOTE": ("remote-enable key", SWITCH + "remote is enabled"),
    "DOOR": ("door", SWITCH + "it is shut"),
    "HOPPER": ("hopper", SWITCH + "there are beans"),
    "STEAM_PROBE": ("steam boiler level probe", SWITCH + "it is covered"),
    "BTN_BREW": ("brew button", SWITCH + "pressed"),
    "BTN_WATER": ("hot-water button", SWITCH + "pressed"),
    "BTN_STEAM": ("steam button", SWITCH + "pressed"),
}
ANALOGUE = {"ADC_BREW": "brew boiler", "ADC_STEAM": "steam boiler", "ADC_GROUP": "group",
            "ADC_PRESSURE": "pressure"}
SENSORS = {"ADC_BREW": "BREW_SENSOR", "ADC_STEAM": "STEAM_SENSOR", "ADC_GROUP": "GROUP_SENSOR",
           "ADC_PRESSURE": "PRESSURE_SENSOR"}


def models() -> list[str]:
    return sorted(p.name.removeprefix("coffee_") for p in (ROOT / "boards").glob("coffee_*"))


# --- wiring
def wires(data: dict[str, Any]) -> list[tuple[int, str, str]]:
    """(GPIO, what hangs there, how), by terminal."""
    found = [(data[role], name, how) for role, (name, how) in ROLES.items()
             if data[role] is not None]
    if data["PUMP_PWM_HZ"]:
        found = [(pin, name, f"PWM, {data['PUMP_PWM_HZ'] // 1000} kHz" if name == "pump" else how)
                 for pin, name, how in found]
    if data["UART"]:
        found += serial_line(*data["UART"])
    for role, name in ANALOGUE.items():
        if data[role]:
            pin, level = data[role]
            switch = "" if level is None else (
                f", through the analogue switch while GP{data['ADC_MUX']} is "
                f"{'high' if level else 'low'}")
            found.append((pin, f"{name} sensor", analogue(data[SENSORS[role]]) + switch))
    return sorted(found, key=lambda wire: TERMINALS[wire[0]])


def serial_line(_number: int, tx: int, rx: int) -> list[tuple[int, str, str]]:
    how = "UART, 3.3 V, to the adapter's {}; only where the setting `link` is `uart`"
    return [(tx, "serial line, TX", how.format("RX")), (rx, "serial line, RX", how.format("TX"))]


def analogue(sensor: tuple[Any, ...]) -> str:
    if sensor[0] == "ntc":
        return (f"NTC {sensor[1] // 1000} kΩ B{sensor[2]} from 3V3 to the pin, "
                f"{sensor[3] / 1000:g} kΩ to AGND")
    if sensor[0] == "pt1000":
        return f"PT1000 amplifier, 0 V at {sensor[1] // 1000} °C, 3.3 V at {sensor[2] // 1000} °C"
    return f"transducer over a divider, {sensor[0]} mV at 0 bar, {sensor[1]} mV at " \
           f"{sensor[2] // 1000} bar"


def document() -> str:
    lines = [
        "# Wiring", "",
        "Written by `python -m boards.generate` from `boards/coffee_*/board.py`; a test holds both"
        " together. Signals are 3.3 V: every load hangs on an SSR, a relay or a driver stage,"
        " never on a pin. Mains wiring is for an electrician: docs/boards.md begins with why.", "",
    ]
    for model in models():
        data = read_data(model, "board")
        lines += [f"## Coffee {model} ({data['HARDWARE'].split('/')[1]})", "",
                  f"![Terminals of the Coffee {model}](images/wiring-{model}.svg)", "",
                  "| terminal | GPIO | what hangs there | how |", "|---|---|---|---|"]
        lines += [f"| {TERMINALS[pin]} | GP{pin} | {name} | {how} |"
                  for pin, name, how in wires(data)]
        lines.append("")
    return "\n".join(lines)


def drawing(model: str) -> str:
    """The module from above with what hangs at each terminal, SVG."""
    used: dict[int, str] = {}
    for pin, name, _ in wires(read_data(model, "board")):
        used[TERMINALS[pin]] = " / ".join(filter(None, (used.get(TERMINALS[pin]), name)))
    gpio = {terminal: f"GP{pin}" for pin, terminal in TERMINALS.items()}
    body = "".join(_terminal(n, gpio.get(n) or SUPPLY[n], used.get(n, "")) for n in range(1, 41))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 540" font-family="sans-serif" '
        'font-size="12">\n<rect width="760" height="540" fill="#ffffff"/>\n'
        '<rect x="270" y="20" width="220" height="486" rx="8" fill="#1b5e3b"/>\n'
        '<rect x="352" y="10" width="56" height="28" rx="3" fill="#b0b4b8"/>\n'
        f'<text x="380" y="528" fill="#1a1a1a" text-anchor="middle" font-size="15">Coffee {model}'
        f"</text>\n{body}</svg>\n")


def _terminal(number: int, label: str, what: str) -> str:
    left = number <= 20
    y = 50 + 23 * ((number if left else 41 - number) - 1)
    x, inside, outside = (282, 296, 256) if left else (478, 464, 504)
    colour = "#e0a800" if what else "#8d9499"
    end, start = ("start", "end") if left else ("end", "start")
    return (
        f'<circle cx="{x}" cy="{y}" r="6" fill="{colour}"/>'
        f'<text x="{inside}" y="{y + 4}" fill="#ffffff" text-anchor="{end}">{number} {label}'
        "</text>"
        f'<text x="{outside}" y="{y + 4}" fill="#1a1a1a" text-anchor="{start}">{escape(what)}'
        "</text>\n")


# --- packages
def package(model: str) -> str:
    """package.json: the firmware as it lies in the checkout, umqtt.simple as `make setup` put it.
    For `mpremote mip install --target / boards/coffee_<model>/package.json`."""
    names = sorted(f.name for f in (ROOT / "firmware").glob("*.py"))
    files = [(name, f"../../firmware/{name}") for name in names]
    files += [(name, name) for name in ("board.py", "factory_recipes.py")]
    files.append(("umqtt/simple.py", "../../build/lib/umqtt/simple.py"))
    return json.dumps({"urls": files, "version": VERSION}, indent=1) + "\n"


def everything() -> Iterator[tuple[Path, str]]:
    """(file, what it should hold)."""
    yield ROOT / "docs" / "wiring.md", document()
    for model in models():
        yield ROOT / "docs" / "images" / f"wiring-{model}.svg", drawing(model)
        yield ROOT / "boards" / f"coffee_{model}" / "package.json", package(model)


if __name__ == "__main__":
    for file, text in everything():
        file.write_text(text)
        print(file.relative_to(ROOT))
