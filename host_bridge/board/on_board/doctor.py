# Looks at every sensor and moves every output that is safe to move, on a held board. Nothing that
# heats, pumps or lets out water or steam is driven: those are read back at rest and said to be
# unmoved. Each line: (part, verdict, what was found, what to do).
import gc
import os
import time

import board
from machine import ADC, Pin

OK = "ok"
BAD = "BAD"
LOOK = "look"  # a person decides
_COOL_C = 45  # warm water hurts nobody
NOT = "not moved"

_UNSAFE = (
    ("HEATER_BREW", "brew heater", "heats"), ("HEATER_STEAM", "steam heater", "heats"),
    ("SAFETY_RELAY", "safety contactor", "feeds the heaters"), ("PUMP", "pump", "may run dry"),
    ("GRINDER", "grinder", "cuts fingers"), ("VALVE_STEAM", "steam valve", "lets out steam"),
    ("VALVE_WATER", "hot-water valve", "lets out hot water"),
    ("VALVE_REFILL", "refill valve", "fills the boiler"),
)
_SWITCHES = (
    ("TANK", "tank", "has water", "no water"),
    ("TRAY", "drip tray", "in place", "full or missing"),
    ("CUP", "cup", "present", "none"), ("KEY_REMOTE", "remote key", "remote-enable", "local"),
    ("DOOR", "door", "closed", "open"), ("HOPPER", "hopper", "beans", "empty"),
    ("STEAM_PROBE", "steam boiler probe", "covered", "dry"),
)
_BUTTONS = (("BTN_BREW", "brew"), ("BTN_WATER", "hot water"), ("BTN_STEAM", "steam"))
_SENSORS = (
    ("ADC_BREW", "BREW_SENSOR", "brew boiler"), ("ADC_STEAM", "STEAM_SENSOR", "steam boiler"),
    ("ADC_GROUP", "GROUP_SENSOR", "group"), ("ADC_PRESSURE", "PRESSURE_SENSOR", "pressure"),
)


def examine():
    found = []
    for part in (_temperatures, _scale, _flow, _switches, _buttons, _outputs, _memory):
        try:
            found += part()
        except Exception as e:
            found.append((part.__name__[1:], BAD, repr(e), "report this line"))
    return found


def _temperatures():
    import sensors

    found = []
    mux = None if board.ADC_MUX is None else Pin(board.ADC_MUX, Pin.OUT, value=0)
    for role, kind, name in _SENSORS:
        channel = getattr(board, role)
        if channel is None:
            continue
        if channel[1] is not None:
            mux(channel[1])
            time.sleep_ms(5)
        read = ADC(Pin(channel[0])).read_u16
        sums = [sum([read() for _ in range(sensors.READS)]) for _ in range(32)]
        found.append(_judged(sensors, name, getattr(board, kind), sums))
    if mux:
        mux(0)
    return found


def _judged(sensors, name, sensor, sums):
    from guards import RAIL_HIGH, RAIL_LOW

    raw = sum(sums) // len(sums)
    spread = max(sums) - min(sums)
    if name == "pressure":
        value = sensors.read(sensors.pressure_table(sensor), raw)
        shown, fits = "%.2f bar" % _rounded(value, 2), -500 <= value <= 1500
        cure = "release the pressure; else check the transducer's 5 V, ground and divider"
    else:
        value = sensors.read(sensors.temperature_table(sensor), raw)
        shown, fits = "%.1f C" % _rounded(value, 1), -10000 <= value <= 160000
        cure = "check the sensor's plug and wires"
    if not RAIL_LOW <= raw <= RAIL_HIGH:
        return (name, BAD, "open or shorted (ADC %d of 262140)" % raw, "check the sensor's wires")
    if not fits:
        return (name, BAD, shown, cure)
    if spread > 2600:  # 1 % of full scale
        return (name, BAD, "%s, noise %d" % (shown, spread), "keep its wires away from the mains")
    return (name, OK, "%s, noise %d of 262140" % (shown, spread), "")


def _rounded(thousandths, places):
    return round(thousandths / 1000, places) + 0.0  # or what is nothing would read -0.00


def _scale():
    if board.HX711_DOUT is None:
        return []
    import scale

    cell = scale.Scale()
    readings = []
    until = time.ticks_add(time.ticks_ms(), 1500)
    while time.ticks_diff(until, time.ticks_ms()) > 0 and len(readings) < 5:
        if cell.step():
            readings.append(cell.weight_mg)
        time.sleep_ms(1)
    if len(readings) < 3:
        return [("scale", BAD, "%d readings in 1.5 s" % len(readings), "check the HX711's plug")]
    return [("scale", OK, "%d g, not tared" % (readings[-1] // 1000), "")]


def _flow():
    pulses = [0]

    def count(pin):
        pulses[0] += 1

    meter = Pin(board.FLOWMETER, Pin.IN, Pin.PULL_UP)
    meter.irq(count, Pin.IRQ_FALLING)
    time.sleep_ms(500)
    meter.irq(None)
    if pulses[0] > 1:
        return [("flow meter", BAD, "%d pulses with the pump off" % pulses[0],
                 "a leak, or mains noise on its wire")]
    return [("flow meter", OK, "no pulses, pump off", "")]


def _switches():
    found = []
    for role, name, closed, opened in _SWITCHES:
        pin = getattr(board, role)
        if pin is not None:
            shut = not Pin(pin, Pin.IN, Pin.PULL_UP).value()
            found.append((name, LOOK, closed if shut else opened, "if wrong: check its wire"))
    return found


def _buttons():
    found = []
    for role, name in _BUTTONS:
        pin = getattr(board, role)
        if pin is not None and not Pin(pin, Pin.IN, Pin.PULL_UP).value():
            found.append(("button " + name, BAD, "pressed", "not being pressed? it is stuck"))
        elif pin is not None:
            found.append(("button " + name, OK, "released", ""))
    return found


def _outputs():
    found = []
    for role, name, why in _UNSAFE:
        pin = getattr(board, role)
        if pin is not None:
            high = Pin(pin, Pin.OUT, value=0).value()
            found.append((name, BAD if high else NOT, "is high" if high else why,
                          "something pulls it up: do not power the machine" if high else ""))
    found.append(_brew_valve())
    try:
        led = Pin(board.LED, Pin.OUT)
        for _ in range(5):
            led.toggle()
            time.sleep_ms(100)
        led.off()
        found.append(("LED", LOOK, "blinked", ""))
    except (ValueError, TypeError) as e:
        found.append(("LED", BAD, repr(e), "is it the board that boards/ says?"))
    return found


def _brew_valve():
    # open it lets the boiler's water out by the group: only cool, or with nobody knowing how hot
    valve = Pin(board.VALVE_BREW, Pin.OUT, value=0)
    celsius = _brew_celsius()
    if celsius > _COOL_C:
        return ("brew valve", NOT, "%d C: lets out hot water" % celsius,
                "let it cool below %d C, then retry" % _COOL_C)
    for _ in range(3):
        valve(1)
        time.sleep_ms(200)
        valve(0)
        time.sleep_ms(200)
    return ("brew valve", LOOK, "opened three times", "did it click? else check valve, SSR")


def _brew_celsius():
    import sensors

    read = ADC(Pin(board.ADC_BREW[0])).read_u16
    raw = sum([read() for _ in range(sensors.READS)])
    return sensors.read(sensors.temperature_table(board.BREW_SENSOR), raw) // 1000


def _memory():
    gc.collect()
    room = os.statvfs(".")
    free = room[0] * room[3]
    return [
        ("memory", OK, "%d KiB free, machine not started" % (gc.mem_free() // 1024), ""),
        ("flash", OK if free > 65536 else BAD, "%d KiB free" % (free // 1024),
         "" if free > 65536 else "delete what is not the machine's"),
    ]
