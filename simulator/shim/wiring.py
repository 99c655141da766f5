# The cables between the chip's pins and the plant: which GPIO drives what, which switch closes
# which input. Read once from the board's data; the half-cycle step copies words and nothing else.
# No physics (plant) and no controller logic here.
from array import array

import kernel
import micropython
from micropython import const

LED = const(32)
PINS = const(33)
LOG_BYTES = const(1 << 15)  # half-cycles kept for the power budget check: 327 s

level = array("i", [0] * PINS)  # what Pin.value() reads and writes
duty = array("i", [-1] * PINS)  # PWM duty 0..65535, -1: not a PWM pin
direction = array("i", [0] * PINS)
pull = array("i", [0] * PINS)  # 1 up, 2 down, 0 floating
irqs = [None] * PINS  # (handler, trigger mask, hard, Pin)
half_cycles = bytearray(LOG_BYTES)  # bit 0 brew heater, bit 1 steam heater, at each zero crossing
counts = array("l", [0, 0])  # half-cycles so far, trace countdown

OWN_SWITCHES = ("brew", "water", "steam", "remote")
switches = array("i", [0, 0, 0, 1])  # buttons released, key in remote-enable
_LEVELS = (  # output role: board attribute, name in plant.u
    ("HEATER_BREW", "heater_brew"),
    ("HEATER_STEAM", "heater_steam"),
    ("VALVE_BREW", "valve_brew"),
    ("VALVE_STEAM", "valve_steam"),
    ("VALVE_WATER", "valve_water"),
    ("VALVE_REFILL", "valve_refill"),
    ("GRINDER", "grinder"),
    ("SAFETY_RELAY", "safety_relay"),
)
_INPUTS = (  # input role: board attribute, name in plant.y or of an own switch
    ("TANK", "tank"),
    ("TRAY", "tray"),
    ("CUP", "cup"),
    ("DOOR", "door"),
    ("HOPPER", "hopper"),
    ("STEAM_PROBE", "steam_probe"),
    ("BTN_BREW", "brew"),
    ("BTN_WATER", "water"),
    ("BTN_STEAM", "steam"),
    ("KEY_REMOTE", "remote"),
)
_out = array("i")  # pairs: pin, index into plant.u
_in = array("i")  # triples: pin, 1 own switch / 0 plant.y, index
_at = [None] * 8  # board, plant, its step, u, y, -, words, index of pulses in y
_noise = array("i", [1])
_trace = [None, 0]  # function, every n half-cycles


def connect(board, plant, words):
    # board: data module; plant: plant.Plant; words: plant.words (index names)
    _at[0], _at[1], _at[2] = board, plant, plant.step
    _at[3], _at[4] = plant.u, plant.y
    _at[6] = words
    u_names, y_names = words.U_NAMES, words.Y_NAMES
    for role, name in _LEVELS:
        pin = getattr(board, role)
        if pin is not None:
            _out.extend(array("i", [pin, u_names.index(name)]))
        elif name == "safety_relay":
            plant.u[u_names.index(name)] = 1  # not fitted: the heaters have no contactor
    for role, name in _INPUTS:
        pin = getattr(board, role)
        if pin is not None:
            own = name in OWN_SWITCHES
            names = OWN_SWITCHES if own else y_names
            _in.extend(array("i", [pin, 1 if own else 0, names.index(name)]))
    _pump[0] = board.PUMP
    _pump[1] = u_names.index("pump_permille")
    _pump[2] = board.HEATER_BREW
    _pump[3] = LED if board.HEATER_STEAM is None else board.HEATER_STEAM
    _at[7] = y_names.index("pulses")
    _pump[4] = board.FLOWMETER
    refresh()
    kernel.on_plant_step(step)


_pump = array("i", [0] * 5)  # pump pin, its word in u, heater pins, flow pin


# Outputs of this half-cycle to the plant, and the SSR bits into the log.
@micropython.viper
def _drive(levels, duties, u, out, n: int, pump, log, count):
    lv = ptr32(levels)
    uu = ptr32(u)
    o = ptr32(out)
    i = 0
    while i < n:
        uu[int(o[i + 1])] = int(lv[int(o[i])])
        i += 2
    pp = ptr32(pump)
    d = int(ptr32(duties)[int(pp[0])])
    if d <= 65535:
        uu[int(pp[1])] = d * 1000 // 65535
    else:  # -1 reads unsigned: no PWM, an SSR
        uu[int(pp[1])] = int(lv[int(pp[0])]) * 1000
    c = ptr32(count)
    k = int(c[0])
    ptr8(log)[k & 0x7FFF] = int(lv[int(pp[2])]) | (int(lv[int(pp[3])]) << 1)
    c[0] = k + 1


# Inputs after the plant's step: a closed switch pulls its pin to ground. Returns the pins whose
# level changed as a bit mask. Every 4th half-cycle is often enough: what moves a switch by hand
# calls it too, and floats and probes are slow. A pin without a pull resistor floats when its
# switch is open.
@micropython.viper
def _sense(levels, pulls, y, own, inputs, n: int, noise) -> int:
    lv = ptr32(levels)
    pu = ptr32(pulls)
    m = ptr32(inputs)
    yy = ptr32(y)
    oo = ptr32(own)
    changed = 0
    i = 0
    while i < n:
        pin = int(m[i])
        if int(m[i + 1]):
            closed = int(oo[int(m[i + 2])])
        else:
            closed = int(yy[int(m[i + 2])])
        new = 0
        if not closed:
            k = int(pu[pin])
            new = 1
            if k == 2:
                new = 0
            if k == 0:
                z = ptr32(noise)
                s = (int(z[0]) * 1103515245 + 12345) & 0x7FFFFFFF
                z[0] = s
                new = (s >> 16) & 1
        if new != int(lv[pin]):
            lv[pin] = new
            changed |= 1 << pin
        i += 3
    return changed


@micropython.native
def step():
    a = _at
    y = a[4]
    _drive(level, duty, a[3], _out, len(_out), _pump, half_cycles, counts)
    a[2]()
    c = counts
    if not c[0] & 3:
        changed = _sense(level, pull, y, switches, _in, len(_in), _noise)
        if changed:
            _edges(changed)
    n = y[a[7]]
    if n:
        _pulses(n)
    if c[1]:
        _tick_trace()


def refresh():
    # inputs as they stand now (after a Pin was set up, or a switch moved)
    a = _at
    if a[4] is not None:
        _sense(level, pull, a[4], switches, _in, len(_in), _noise)


def _interrupt(entry):
    if kernel.words[kernel.MASKED]:
        return  # edges while interrupts are off: the rp2 latches one; a lost pulse is the plant's
    if entry[2]:
        kernel.call_hard(entry[0], entry[3])
    else:
        kernel.call_soft(entry[0], entry[3])


def _edges(changed):
    for pin in range(PINS):
        if changed >> pin & 1:
            entry = irqs[pin]
            if entry and entry[1] & (8 if level[pin] else 4):
                _interrupt(entry)


def _pulses(n):
    # the hall sensor: each pulse one falling and one rising edge on the flow pin
    entry = irqs[_pump[4]]
    if entry:
        edges = (entry[1] >> 2 & 1) + (entry[1] >> 3 & 1)
        for _ in range(n * edges):
            _interrupt(entry)


def adc_channels(gpio):
    # plant channels seen on this GPIO with the analogue switch low and high; -1: open input
    words = _at[6]
    low = high = -1
    for role in ("ADC_BREW", "ADC_STEAM", "ADC_GROUP", "ADC_PRESSURE"):
        at = getattr(_at[0], role) if _at[0] else None
        if at and at[0] == gpio:
            ch = getattr(words, role)
            if at[1] != 1:
                low = ch
            if at[1] != 0:
                high = ch
    return low, high


def adc_reader(gpio):
    # read_u16 for the ADC on this GPIO, as a function of nothing: the shortest way, because the
    # firmware oversamples and this is the most frequent call of all
    low, high = adc_channels(gpio)
    if low < 0 and high < 0:
        return lambda: 0  # open input
    from plant.sensors import convert  # what plant.adc() calls

    channels = _at[1].channels
    low, high = channels[low if low >= 0 else high], channels[high if high >= 0 else low]
    mux = _at[0].ADC_MUX
    if mux is None or low is high:

        @micropython.native
        def read_u16():
            return convert(low)

    else:
        lv = level

        @micropython.native
        def read_u16():
            return convert(high if lv[mux] else low)

    return read_u16


def press(name, closed):
    switches[OWN_SWITCHES.index(name)] = 1 if closed else 0
    refresh_edges()


def fitted(roles):
    # which of these switches this machine has
    return [r for r in roles for role, name in _INPUTS
            if name == r and getattr(_at[0], role) is not None]


def driven():
    # names of the plant's inputs that this machine's pins drive
    names = [name for role, name in _LEVELS if getattr(_at[0], role) is not None]
    return names + ["pump_permille"]


def closed():
    # every switch this machine has: name -> 1 when its statement is true
    own = {name: switches[i] for i, name in enumerate(OWN_SWITCHES)}
    y = _at[4]
    for role, name in _INPUTS:
        if name not in own:
            own[name] = y[_at[6].Y_NAMES.index(name)]
    return own


def refresh_edges():
    changed = _sense(level, pull, _at[4], switches, _in, len(_in), _noise)
    if changed:
        _edges(changed)


def trace(function, every):
    # function() is called after each `every`-th half-cycle; None stops it
    _trace[0] = function
    _trace[1] = every
    counts[1] = every if function else 0


def _tick_trace():
    counts[1] -= 1
    if not counts[1]:
        counts[1] = _trace[1]
        _trace[0]()
