# Heat: elements, boilers, group and the lag of their sensors. Energies in uJ (exact sums),
# temperatures in u°C, powers in mW, a step is 10 ms: mW * 10 = uJ. No hydraulics, no sensors'
# electronics. State: lists of small ints, so nothing is ever allocated. Parameters:
# arrays of non-negative 32-bit ints, read through ptr32.
import math
from array import array

import micropython
from micropython import const

_STEP_MS = const(10)
# Water: 4.178 J/(ml K) at 20 °C (density 0.9982 g/ml x 4.186 J/(g K), CRC Handbook)
_WATER_UJ_UL_MK = const(4178)  # mJ/(ml K) = uJ/(ul K)

# --- state of a boiler
_ELEMENT = const(0)  # heat stored in the element, uJ
_ENERGY = const(1)  # heat stored in water and metal above 0 °C, uJ
_TEMP = const(2)  # u°C
_SENSED = const(3)  # temperature of the sensor's tip, u°C
_HEAT = const(4)  # element into water, mW
_LOST = const(5)  # to the room since the beginning, uJ
_CARRIED = const(6)  # by water and steam since the beginning, uJ
_DRAWN = const(7)  # from the mains since the beginning, uJ
_WATER = const(8)  # content, nl (steam boiler)
_PRESSURE = const(9)  # gauge, mbar (steam boiler)
_GONE = const(10)  # water that left, nl (steam boiler)
BOILER_STATE = 11

# --- parameters of a boiler
_POWER = const(0)  # mW at nominal mains
_CAPACITY = const(1)  # mJ/K: whole boiler, or the metal alone (steam boiler)
_LOSS = const(2)  # mW/K
_ELEMENT_LAG = const(3)  # ms
_SENSOR_LAG = const(4)  # ms
_AMBIENT = const(5)  # u°C
_INLET = const(6)  # u°C
_STEAM_RATE = const(7)  # nl of water a step and bar, steam valve open
_WATER_RATE = const(8)  # nl a step and bar, hot-water valve open
BOILER_PARAMETERS = 9

TEMP, SENSED, HEAT, LOST, CARRIED, DRAWN = _TEMP, _SENSED, _HEAT, _LOST, _CARRIED, _DRAWN
ELEMENT, ENERGY, WATER, PRESSURE, GONE, AMBIENT, INLET = (
    _ELEMENT, _ENERGY, _WATER, _PRESSURE, _GONE, _AMBIENT, _INLET,
)


def boiler_parameters(get, name):
    """Parameter words of the boiler `name` ("brew" or "steam").

    get(key) gives the machine's figure with its model error applied. For a steam boiler
    capacity_j_k is that of metal and nominal filling; the metal's part is what the water leaves.
    """
    capacity = get(name + "_capacity_j_k") * 1000
    if name == "steam":
        capacity -= get("steam_fill_ml") * _WATER_UJ_UL_MK
        capacity = max(capacity, 200000)
    return [
        get(name + "_power_w") * 1000, capacity, get(name + "_loss_mw_k"),
        get(name + "_element_lag_ms"), get(name + "_sensor_lag_ms"), 0, 0,
        get("steam_rate_mg_s_bar") * 10, get("hot_water_ul_s_bar") * 10,
    ]


def boiler_state(p, temp_uc, water_nl=0):
    """A boiler resting at temp_uc (u°C) with a cold element."""
    s = [0] * BOILER_STATE
    s[_WATER] = water_nl
    warm(s, p, temp_uc)
    return s


def warm(s, p, temp_uc):
    """Sets the temperature (u°C) of water, metal and sensor, for tests and warm starts."""
    c = p[_CAPACITY] + s[_WATER] * _WATER_UJ_UL_MK // 1000000
    s[_ENERGY] = temp_uc * c // 1000
    s[_TEMP] = s[_SENSED] = temp_uc


@micropython.viper
def brew_step(s, p: ptr32, power_mw: int, inflow_nl: int):
    """One step of a full boiler: element, water and metal as one lump, sensor.

        element   dE/dt = P - E/tau            heat into the water  q = E/tau
        boiler    C dT/dt = q - G (T - T_ambient) - rho cp Q_in (T - T_inlet)
        sensor    dTs/dt = (T - Ts)/tau_s

    What flows out has the boiler's temperature and so does not change it; what flows in (cold,
    inflow_nl a step) does. Explicit Euler on energies: every uJ is booked, so the balance is
    exact; the time constants are 150 to 600 steps long.
    """
    element = int(s[_ELEMENT]) + power_mw * 10
    heat = element // int(p[_ELEMENT_LAG])
    t = int(s[_TEMP])
    loss = ((t - int(p[_AMBIENT])) * int(p[_LOSS])) // 1000000
    energy = int(s[_ENERGY]) + (heat - loss) * 10
    if inflow_nl > 0:
        carried = (inflow_nl * (t - int(p[_INLET])) * 4178) // 1000000000
        energy -= carried
        s[_CARRIED] = int(s[_CARRIED]) + carried
    t = (energy * 1000) // int(p[_CAPACITY])
    sensed = int(s[_SENSED])
    s[_ELEMENT] = element - heat * 10
    s[_HEAT] = heat
    s[_ENERGY] = energy
    s[_TEMP] = t
    s[_SENSED] = sensed + ((t - sensed) * 10) // int(p[_SENSOR_LAG])
    s[_LOST] = int(s[_LOST]) + loss * 10
    s[_DRAWN] = int(s[_DRAWN]) + power_mw * 10


# What steam_step is told: valves (bit 0 steam, bit 1 hot water) and the refill in nl.
@micropython.viper
def steam_step(s, p: ptr32, saturation: ptr32, draw):
    """One step of the steam boiler; draw = [power mW, valves, refill nl].

    Water and metal at one temperature, saturated steam above:
        E = (C_metal + m cp) T
        dE/dt = q - loss + refill cp T_inlet - hot water cp T - steam h_g
    Steam leaves in proportion to the gauge pressure (a wand's hole, near choking above 0.9 bar);
    h_g = 2676 J/g at 100 °C + 1.42 J/(g K) (fit to the steam table 100...150 °C, within 4 J/g);
    per ml of the water it was, 2671 J.
    No vacuum: a vent opens below 0 bar gauge.
    """
    power = int(draw[0])
    valves = int(draw[1])
    refill = int(draw[2])
    element = int(s[_ELEMENT]) + power * 10
    heat = element // int(p[_ELEMENT_LAG])
    t = int(s[_TEMP])
    water = int(s[_WATER])
    bar = int(s[_PRESSURE])
    loss = ((t - int(p[_AMBIENT])) * int(p[_LOSS])) // 1000000
    carried = 0 - (refill * int(p[_INLET]) * 4178) // 1000000000
    gone = 0
    if valves & 1:
        gone = (int(p[_STEAM_RATE]) * bar) // 1000
        if gone > water:
            gone = water
        carried += (gone * (2671000 + ((t - 100000000) * 142) // 100000)) // 1000
    if valves & 2:
        hot = (int(p[_WATER_RATE]) * bar) // 1000
        if hot > water - gone:
            hot = water - gone
        carried += (hot * t * 4178) // 1000000000
        gone += hot
    water += refill - gone
    energy = int(s[_ENERGY]) + (heat - loss) * 10 - carried
    t = (energy * 1000) // (int(p[_CAPACITY]) + water * 4178 // 1000000)
    sensed = int(s[_SENSED])
    s[_ELEMENT] = element - heat * 10
    s[_HEAT] = heat
    s[_ENERGY] = energy
    s[_TEMP] = t
    s[_SENSED] = sensed + ((t - sensed) * 10) // int(p[_SENSOR_LAG])
    s[_LOST] = int(s[_LOST]) + loss * 10
    s[_CARRIED] = int(s[_CARRIED]) + carried
    s[_DRAWN] = int(s[_DRAWN]) + power * 10
    s[_WATER] = water
    s[_GONE] = int(s[_GONE]) + gone
    # table of gauge mbar, one word every 2**20 u°C
    i = t >> 20
    bar = 0
    if i > 0:
        if i > 200:
            i = 200
        low = int(saturation[i])
        bar = low + (((int(saturation[i + 1]) - low) * (t & 0xFFFFF)) >> 20)
    s[_PRESSURE] = bar


def saturation_mbar(temp_c):
    """Absolute pressure of saturated steam, mbar (Wagner and Pruss, 1993; 0.01...373.9 °C)."""
    ratio = (temp_c + 273.15) / 647.096
    v = 1 - ratio
    terms = (
        -7.85951783 * v + 1.84408259 * v**1.5 - 11.7866497 * v**3 + 22.6807411 * v**3.5
        - 15.9618719 * v**4 + 1.80122502 * v**7.5
    )
    return 220640 * math.exp(terms / ratio)


def saturation_table():
    """Gauge pressure in mbar (0 below 100 °C), one word every 2**20 u°C from 0 °C."""
    return array("i", [_gauge_mbar(i * 1.048576) for i in range(202)])


def _gauge_mbar(temp_c):
    return max(0, int(saturation_mbar(temp_c) - 1013.25 + 0.5)) if temp_c else 0


# --- group: the inlet water follows the boiler over the pipe, the metal follows slowly
_INLET_TEMP = const(0)  # u°C
_METAL = const(1)  # u°C
_PIPE_LAG = const(0)  # ms
_IDLE_LAG = const(1)  # ms, metal while nothing flows
_FLOW_LAG = const(2)  # ms, metal while water flows
_DROP = const(3)  # permille of (boiler - room) that the resting metal stays below the boiler
_ROOM = const(4)  # u°C
INLET_TEMP, METAL, ROOM = _INLET_TEMP, _METAL, _ROOM


def group_parameters(get):
    return [
        get("group_pipe_lag_ms"), get("group_idle_lag_ms"), get("group_flow_lag_ms"),
        get("group_drop_permille"), 0,
    ]


@micropython.viper
def group_step(g, p: ptr32, boiler_uc: int, flow_nl: int):
    """Inlet water: first-order lag behind the boiler. Metal: towards a little below the boiler
    while resting, towards the inlet water while it flows. Its heat is part of the boiler's loss.
    """
    inlet = int(g[_INLET_TEMP])
    inlet += ((boiler_uc - inlet) * 10) // int(p[_PIPE_LAG])
    g[_INLET_TEMP] = inlet
    metal = int(g[_METAL])
    if flow_nl > 1000:
        metal += ((inlet - metal) * 10) // int(p[_FLOW_LAG])
    else:
        rest = boiler_uc - ((boiler_uc - int(p[_ROOM])) // 1000) * int(p[_DROP])
        metal += ((rest - metal) * 10) // int(p[_IDLE_LAG])
    g[_METAL] = metal
