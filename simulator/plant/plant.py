# One machine: the rooms of the plant put together, stepped by the mains' half-cycles (10 ms).
#
#     plant = Plant(PLANT, seed=1, params={"capacity": 0.8})   # PLANT: boards/<board>/plant.py
#     plant.u[words.U_HEATER_BREW] = 1                          # what the controller drives
#     plant.step()
#     plant.y, plant.adc(words.ADC_BREW)                        # what it feels
#     plant.t                                                   # what is true
#
# step() and adc() allocate nothing. Figures of a machine stand in its board's directory.
import json
from array import array

import micropython
from micropython import const

from . import faults, hydraulics, noise, puck, sensors, thermal, vessels, words

# --- rooms: places in Plant.rooms
_U = const(0)
_Y = const(1)
_T = const(2)
_BREW = const(3)
_BREW_P = const(4)
_STEAM = const(5)
_STEAM_P = const(6)
_GROUP = const(7)
_GROUP_P = const(8)
_HYDRO = const(9)
_HYDRO_P = const(10)
_PUCK = const(11)
_PUCK_P = const(12)
_VESSEL = const(13)
_VESSEL_P = const(14)
_FAULTS = const(15)
_CHANNELS = const(16)
_TABLES = const(17)
_STREAMS = const(18)
_CORE = const(19)
_CORE_P = const(20)
_DRAW = const(21)  # power mW, valves, refill nl of the steam boiler
_SATURATION = const(22)

# --- state of the composition
_STEPS = const(0)
_WANDER = const(1)  # of the mains, ppm
_PUMPED = const(2)  # nl
_DISCARDED = const(3)  # nl
_PUCKS = const(4)
_SHUT = const(5)  # steps since the brew valve closed
_TAP = const(6)
_BARISTA = const(7)
_DOOR = const(8)
_TRAY_IN = const(9)
_COUNTS = const(10)  # of the load cell
_GRINDING = const(11)
_HAND_PUCK = const(12)  # kind the person puts in
_HAND_DOSE = const(13)  # mg the person puts in, 0: nominal with chance
_GRIND = const(14)  # fineness, permille
# chance of this puck
_GRAIN = const(15)  # resistance, 1024000 = 1
_THIRST = const(16)  # water it takes up, 1024000 = 1
_ROOM_OVER = const(17)  # headspace, 1024 = 1 ul
_DRAWN_MW = const(18)  # by the elements in this half-cycle
_MAINS_PPM = const(19)
_CORE_STATE = 20

# --- parameters of the composition
_STALL = const(0)  # ubar
_FREE = const(1)  # ul/s
_PUMP_ON_MAINS = const(2)
_TANK_LOW = const(3)  # nl at which the float falls
_TRAY_FULL = const(4)  # nl
_PROBE = const(5)  # nl of the steam boiler at which the probe is bare
_WANDER_PPM = const(6)
_BARISTA_TENTHS = const(7)  # s/10 the brew valve has been shut
_RIPPLE = const(8)  # of the pressure at full pump speed, sixteenths of a code
_SCALE_COUNTS = const(9)  # counts per kg
_SCALE_NOISE = const(10)  # ug
_SCALE_SHAKE = const(11)  # ug more while the pump runs
_SCALE_ZERO = const(12)  # counts
_HAS_STEAM = const(13)
_SLOW_NOISE = const(14)  # sixteenths of a code x 256
_INSTRUMENTS = const(15)  # group sensor, transducer or scale are fitted

# --- random streams
_R_MAINS = const(0)
_R_METER = const(1)
_R_SCALE = const(2)
_R_PUCK = const(3)
_R_SLOW = const(4)
_STREAM_COUNT = 5

ALIASES = {
    "capacity": ("brew_capacity_j_k", "steam_capacity_j_k"),
    "power": ("brew_power_w", "steam_power_w"),
    "loss": ("brew_loss_mw_k", "steam_loss_mw_k"),
    "element_lag": ("brew_element_lag_ms", "steam_element_lag_ms"),
    "sensor_lag": ("brew_sensor_lag_ms", "steam_sensor_lag_ms"),
    "pipe_lag": ("group_pipe_lag_ms",),
    "pump_free": ("pump_free_ul_s",),
    "pump_stall": ("pump_stall_mbar",),
    "pump_lag": ("pump_lag_ms",),
    "compliance": ("trapped_air_ul", "hose_compliance_ul_bar", "boiler_compliance_ul_bar"),
    "headspace": ("headspace_ul",),
    "puck_resistance": ("puck_mbar_s_ml",),
    "puck_capacity": ("puck_water_ul_g",),
    "flowmeter": ("flowmeter_ul_pulse",),
    "scale": ("scale_counts_g",),
    "drip": ("spout_lag_ms", "cling_lag_ms"),
}


@micropython.viper
def _advance(m):
    u = ptr32(m[_U])
    f = m[_FAULTS]
    core = m[_CORE]
    core_p = m[_CORE_P]
    hydro = m[_HYDRO]
    hydro_p = m[_HYDRO_P]
    vessel = m[_VESSEL]
    vessel_p = m[_VESSEL_P]
    brew = m[_BREW]
    steam = m[_STEAM]
    bed = m[_PUCK]
    bed_p = m[_PUCK_P]

    # --- mains and elements
    mains = int(u[9]) * 1000 + int(core[_WANDER])
    contact = int(u[8]) | int(f[15])
    brew_mw = 0
    k = int(f[0])
    if (int(u[0]) and k != 2) or k == 1:
        if contact:
            brew_mw = (int(m[_BREW_P][0]) * int(f[2])) // 1000
            brew_mw = (((brew_mw * mains) // 1000000) * mains) // 1000000
    steam_mw = 0
    k = int(f[1])
    if (int(u[1]) and k != 2) or k == 1:
        if contact and int(core_p[_HAS_STEAM]):
            steam_mw = (int(m[_STEAM_P][0]) * int(f[3])) // 1000
            steam_mw = (((steam_mw * mains) // 1000000) * mains) // 1000000

    # --- valves (a fault holds one closed: 1, or open: 2)
    valve = int(u[3])
    k = int(f[5])
    if k:
        valve = k >> 1
    draw = m[_DRAW]
    k = int(f[6])
    steam_valve = int(u[4])
    if k:
        steam_valve = k >> 1
    k = int(f[7])
    water_valve = int(u[5])
    if k:
        water_valve = k >> 1
    refill = int(u[6])
    k = int(f[8])
    if k:
        refill = k >> 1

    # --- water
    hydro[5] = (int(u[2]) * 65536) // 1000
    hydro[6] = valve
    hydro[7] = refill
    drive = int(hydro[5])
    intake = 0
    out = 0
    moving = 0
    if drive or int(hydro[4]) or int(hydro[1]) > 1000 or int(hydro[3]) > 1000:
        moving = 1
    elif int(hydro[2]):
        # water over the puck: it goes on if the puck sucks or the drain takes it
        if int(hydro[10]) or (int(hydro[2]) > int(hydro_p[14]) and valve == 0):
            moving = 1
    if moving:
        k = int(f[16])
        if k == 0:
            k = int(core[_HAND_PUCK])
        bed[0] = k
        free = int(core_p[_FREE])
        stall = int(core_p[_STALL])
        if int(core_p[_PUMP_ON_MAINS]):
            free = (free * mains) // 1000000
            stall = (stall * mains) // 1000000
        if int(f[4]) or int(f[10]) or int(vessel[5]) <= 0:
            free = 0
        hydro[8] = int(steam[9]) * 1000
        hydro[9] = resist(bed, bed_p, int(hydro[3]))
        hydro[10] = suction(bed, bed_p)
        hydro[11] = (1 << 46) // stall
        hydro[12] = free
        hydro[13] = int(core[_TAP])
        flow_step(hydro, hydro_p)
        intake = int(hydro[14])
        out = int(soak(bed, bed_p, int(hydro[15])))
        vessel[5] = int(vessel[5]) - intake
        core[_PUMPED] = int(core[_PUMPED]) + intake
        vessel[4] = int(vessel[4]) + int(hydro[16])
        core[_DISCARDED] = int(core[_DISCARDED]) + int(hydro[18])
    else:
        hydro[14] = 0
        hydro[15] = 0
        hydro[16] = 0
        hydro[17] = 0
        hydro[18] = 0
        bed[15] = 0
    if out + int(vessel[0]) + int(vessel[1]):
        pour(vessel, vessel_p, out, int(bed[15]))
    else:
        vessel[7] = 0
    vessel[10] = 0
    if intake > 0:
        if int(f[9]) == 0:
            k = 0
            if int(vessel[8]) + intake >= int(vessel[9]):
                k = int(normal(m[_STREAMS], _R_METER))
            meter(vessel, vessel_p, intake, k)

    # --- heat
    brew_step(brew, m[_BREW_P], brew_mw, intake - int(hydro[17]))
    group_step(m[_GROUP], m[_GROUP_P], int(brew[2]), int(hydro[15]))
    if int(core_p[_HAS_STEAM]):
        draw[0] = steam_mw
        draw[1] = steam_valve | (water_valve << 1)
        draw[2] = int(hydro[17])
        steam_step(steam, m[_STEAM_P], m[_SATURATION], draw)

    if valve:
        core[_SHUT] = 0
    else:
        core[_SHUT] = int(core[_SHUT]) + 1
    core[_STEPS] = int(core[_STEPS]) + 1
    core[_DRAWN_MW] = brew_mw + steam_mw
    core[_MAINS_PPM] = mains


@micropython.viper
def _feel(m):
    # temperatures and pressure to codes; pulses
    y = ptr32(m[_Y])
    core_p = m[_CORE_P]
    vessel = m[_VESSEL]
    channels = m[_CHANNELS]
    tables = m[_TABLES]
    hydro = m[_HYDRO]
    code = int(temperature_code(tables[0], int(m[_BREW][3])))
    channels[0][0] = code
    y[0] = code
    if int(core_p[_INSTRUMENTS]):
        code = int(temperature_code(tables[1], int(m[_STEAM][3])))
        channels[1][0] = code
        y[1] = code
        code = int(temperature_code(tables[2], int(m[_GROUP][1])))
        channels[2][0] = code
        y[2] = code
        code = int(pressure_code(tables[3], int(hydro[1])))
        c = channels[3]
        c[0] = code
        y[3] = code
        c[4] = (int(c[6]) * int(c[7])) // 1000 + ((int(core_p[_RIPPLE]) * int(hydro[4])) >> 16)
        weigh(vessel, m[_VESSEL_P])
    y[4] = int(vessel[10])


@micropython.viper
def _switches(m):
    y = ptr32(m[_Y])
    f = m[_FAULTS]
    core = m[_CORE]
    core_p = m[_CORE_P]
    vessel = m[_VESSEL]
    k = 0
    if int(f[11]) or (int(vessel[5]) > int(core_p[_TANK_LOW]) and int(f[10]) == 0):
        k = 1
    y[7] = k
    k = 0
    if int(core[_TRAY_IN]) and int(vessel[4]) < int(core_p[_TRAY_FULL]):
        k = 1
    y[8] = k
    y[9] = int(vessel[6])
    y[10] = int(core[_DOOR])
    k = 0
    if int(vessel[11]) > 10000000:
        k = 1
    y[11] = k
    k = 0
    if int(m[_STEAM][8]) > int(core_p[_PROBE]):
        k = 1
    if int(f[17]):
        k = int(f[17]) & 1
    y[12] = k


@micropython.viper
def _tell(m):
    t = ptr32(m[_T])
    brew = m[_BREW]
    steam = m[_STEAM]
    group = m[_GROUP]
    hydro = m[_HYDRO]
    bed = m[_PUCK]
    vessel = m[_VESSEL]
    core = m[_CORE]
    t[0] = int(brew[2]) // 1000
    t[1] = int(group[0]) // 1000
    t[2] = int(group[1]) // 1000
    t[3] = int(steam[2]) // 1000
    t[4] = int(brew[4]) // 1000
    t[5] = int(steam[4]) // 1000
    t[6] = int(core[_DRAWN_MW]) // 1000
    t[7] = int(hydro[1]) // 1000
    t[8] = int(hydro[3]) // 1000
    t[9] = int(steam[9])
    t[10] = int(hydro[14]) // 10
    t[11] = int(hydro[15]) // 10
    t[12] = int(vessel[7]) // 10
    t[13] = int(core[_PUMPED]) // 1000
    t[14] = int(vessel[2]) // 1000
    t[15] = int(vessel[3]) // 1000
    t[16] = int(vessel[4]) // 1000
    t[17] = int(vessel[5]) // 1000
    t[18] = int(bed[3]) // 1000
    t[19] = int(hydro[2]) // 1000
    t[20] = int(bed[11])
    t[21] = int(bed[0])
    t[22] = int(bed[10]) // 1000
    t[23] = int(vessel[11]) // 1000
    t[24] = int(steam[8]) // 1000
    t[25] = (int(brew[7]) + int(steam[7])) // 1000000
    t[26] = int(core[_MAINS_PPM]) // 1000
    t[27] = int(core[_PUCKS])
    t[28] = int(core[_DISCARDED]) // 1000
    t[29] = int(steam[10]) // 1000


@micropython.viper
def _tenth(m):
    # ten times a second: mains' wander, slow noise of the sensors, a value of the load cell
    core = m[_CORE]
    core_p = m[_CORE_P]
    streams = m[_STREAMS]
    vessel = m[_VESSEL]
    f = m[_FAULTS]
    y = ptr32(m[_Y])
    # Ornstein-Uhlenbeck, 20 s: sigma sqrt(2 * 0.1 / 20) = sigma / 10 a step
    w = int(core[_WANDER])
    n = int(normal(streams, _R_MAINS))
    core[_WANDER] = w - w // 200 + (n * int(core_p[_WANDER_PPM])) // 10240
    channels = m[_CHANNELS]
    i = 0
    while i < 4:
        # the same with 3 s: sigma sqrt(2 * 0.1 / 3) = sigma * 264/1024 a step
        c = channels[i]
        w = int(c[8])
        n = int(normal(streams, _R_SLOW))
        w += (n * int(core_p[_SLOW_NOISE]) * 264) // 1048576 - w // 30
        c[8] = w
        c[3] = w // 256
        i += 1
    if int(core_p[_INSTRUMENTS]):
        n = int(core_p[_SCALE_NOISE])
        n += (int(core_p[_SCALE_SHAKE]) * int(m[_HYDRO][4])) >> 16
        w = int(vessel[14]) + (n * int(normal(streams, _R_SCALE))) // 1024
        if int(f[13]) == 0:
            core[_COUNTS] = (w * int(core_p[_SCALE_COUNTS])) // 1000000000 + int(core_p[_SCALE_ZERO])
        y[5] = int(core[_COUNTS])
        k = 1
        if int(f[12]):
            k = 0
        y[6] = k


# viper looks its callees up among the globals of its module
suction, resist, soak = puck.suction, puck.resist, puck.soak
flow_step = hydraulics.flow_step
pour, meter, weigh = vessels.pour, vessels.meter, vessels.weigh
brew_step, steam_step, group_step = thermal.brew_step, thermal.steam_step, thermal.group_step
normal = noise.normal
temperature_code, pressure_code = sensors.temperature_code, sensors.pressure_code


class Plant:
    """A coffee machine.

    Args:
        nominal: PLANT of the board's plant.py.
        seed: of pucks, grinding, noise and mains; the same seed and the same inputs give the same
            bits, under MicroPython and CPython.
        params: what is wrong with the nominal figures: name or ALIASES name → factor.

    Attributes:
        u, y: array("i"), see words.py; t the same, refreshed when asked for.
        faults, channels: words for faults.py.
    """

    def __init__(self, nominal, seed=0, params=None):
        self.nominal = nominal
        self.seed = seed
        self.permille = {}
        self.noise_permille = 1000
        self.ambient_mc = nominal["ambient_mc"]
        self.inlet_mc = nominal["inlet_mc"]
        self.u = array("i", [0] * len(words.U_NAMES))
        self.y = array("i", [0] * len(words.Y_NAMES))
        self._t = array("i", [0] * len(words.T_NAMES))
        self.u[words.U_SAFETY_RELAY] = 1
        self.u[words.U_MAINS_PERMILLE] = 1000
        self.faults = [0] * faults.FAULT_WORDS
        self.faults[faults.SCALED_BREW] = self.faults[faults.SCALED_STEAM] = 1000
        streams = [noise.stream(seed, i) for i in range(_STREAM_COUNT)]
        self.channels = [
            [0, -1, 0, 0, 0, noise.stream(seed, 16 + i), 0, 1000, 0]
            for i in range(len(words.CHANNELS))
        ]
        self._sensors = [nominal[c + "_sensor"] for c in words.CHANNELS]
        tables = [sensors.temperature_table(s) for s in self._sensors[:3]]
        tables.append(sensors.pressure_line(self._sensors[3]))
        self.rooms = [None] * 23
        r = self.rooms
        r[_U], r[_Y], r[_T] = self.u, self.y, self._t
        r[_FAULTS], r[_CHANNELS], r[_TABLES], r[_STREAMS] = self.faults, self.channels, tables, streams
        for i in (_BREW_P, _STEAM_P, _GROUP_P, _HYDRO_P, _PUCK_P, _VESSEL_P, _CORE_P):
            r[i] = []
        r[_DRAW] = [0, 0, 0]
        r[_SATURATION] = thermal.saturation_table()
        for name, factor in (params or {}).items():
            self._misjudge(name, int(factor * 1000 + 0.5))
        self._set_parameters()
        self._set_state()
        self.new_puck()
        self._settle()

    # --- the step
    def step(self):
        """Half a cycle of the mains, 10 ms. Allocates nothing."""
        m = self.rooms
        _advance(m)
        _feel(m)
        core = m[_CORE]
        if not core[_STEPS] % 10:
            _tenth(m)
            _switches(m)
            if core[_BARISTA] and core[_SHUT] // 10 == m[_CORE_P][_BARISTA_TENTHS]:
                self._tend()
        if self.u[7] or core[_GRINDING]:
            self._grind(m)

    @property
    def t(self):
        """The truth as it stands, array("i"), words.T_*. Read it anew after each step."""
        _tell(self.rooms)
        return self._t

    def adc(self, channel):
        """read_u16 of a channel (words.ADC_*): 0...65535, noise and 12 bits. Allocates nothing."""
        return sensors.convert(self.channels[channel])

    # --- hands
    def new_puck(self, dose_mg=0):
        """A fresh puck in the basket, ground and dosed by chance (of this seed and its number).

        dose_mg: 0 for what set("dose_mg") says, or the nominal dose with its variation.
        """
        m = self.rooms
        core, r = m[_CORE], m[_STREAMS]
        # always the same number of draws, so that the nth puck does not depend on the doses before
        z = noise.normal(r, _R_PUCK)
        if not dose_mg:
            dose_mg = core[_HAND_DOSE] or (
                self._get("dose_mg") * (1024000 + z * self._get("dose_sigma_permille")) // 1024000
            )
        z = 1024000 + noise.normal(r, _R_PUCK) * self._get("grind_sigma_permille")
        core[_GRAIN] = min(max(z, 600000), 1600000)
        z = noise.normal(r, _R_PUCK) * self._get("puck_water_sigma_permille")
        core[_THIRST] = 1024000 + z
        core[_ROOM_OVER] = noise.normal(r, _R_PUCK) * self._get("headspace_sigma_ul")
        z = noise.normal(r, _R_PUCK) * self._get("grinder_sigma_permille")
        m[_VESSEL][vessels.GRIND_RATE] = self._get("grinder_mg_s") * 10 * (1024000 + z) // 1024000
        chance = noise.uniform(r, _R_PUCK) & 1023
        where = noise.uniform(r, _R_PUCK) & 1023
        depth = self._get("channel_depth_permille") * (512 + (noise.uniform(r, _R_PUCK) & 1023))
        at = 1 << 60
        if chance * 1000 < self._get("channel_permille") * 1024:
            at = (2000 + where * 20) * 1000
        self._knock_out()
        puck.fresh(m[_PUCK], core[_HAND_PUCK], at, min(depth * 64 // 1000, 60000))
        core[_PUCKS] += 1
        self._dose(dose_mg * 1000)

    def empty_cup(self):
        """The cup is poured out and put back."""
        v, core = self.rooms[_VESSEL], self.rooms[_CORE]
        core[_DISCARDED] += v[vessels.CUP_NL]
        v[vessels.CUP_NL] = v[vessels.CUP_UG] = 0

    def set(self, name, value):
        """A state of the machine or its room; the names are in SETTINGS.

        Raises:
            ValueError: no such name; the text lists those there are.
        """
        if name.startswith("times_"):
            self._misjudge(name[6:], value)
            self._set_parameters()
            return
        if name not in SETTINGS:
            raise ValueError(
                "set: nothing is called %r; take one of %s, or times_<parameter>"
                % (name, ", ".join(sorted(SETTINGS)))
            )
        SETTINGS[name](self, int(value))
        _feel(self.rooms)
        _switches(self.rooms)

    def fault(self, name, value=1):
        """Breaks something, or mends it with value 0; faults.names() tells what there is."""
        if name.startswith("scaled_heater") and not value:
            value = 1000
        faults.apply(self, name, value)
        _switches(self.rooms)

    def disturb_puck(self, factor_permille, ms):
        """Lets the resistance of the puck run to factor x what it would be, linearly in ms."""
        bed = self.rooms[_PUCK]
        goal = factor_permille * 1048576 // 1000
        bed[puck.GOAL] = goal
        bed[puck.PACE] = max(1, abs(goal - bed[puck.FACTOR]) * 10 // max(ms, 10))

    # --- what a sensor shows when its wire is broken
    def open_code(self, channel):
        # NTC and transducer: pulled to ground; an amplifier runs to its rail
        s = self._sensors[channel]
        return 65535 if s and s[0] == "pt1000" else 0

    def drift_code(self, channel, value):
        """Sixteenths of a code that value (m°C, or mbar) makes near the working point."""
        if channel == words.ADC_PRESSURE:
            return value * 1000 * self.rooms[_TABLES][3][1] >> 30
        table = self.rooms[_TABLES][channel]
        at = 95000000
        hot = sensors.temperature_code(table, at + value * 1000)
        return hot - sensors.temperature_code(table, at)

    # --- memory over a reset of the controller
    def snapshot(self):
        """Everything that may change, as bytes (JSON)."""
        state = [r for i, r in enumerate(self.rooms) if i not in (_TABLES, _SATURATION)]
        for i in (_U, _Y, _T):
            state[i] = list(state[i])
        known = [self.permille, self.noise_permille, self.ambient_mc, self.inlet_mc]
        return json.dumps([state, known]).encode()

    def restore(self, data):
        state, known = json.loads(data)
        self.permille, self.noise_permille, self.ambient_mc, self.inlet_mc = known
        rooms = [r for i, r in enumerate(self.rooms) if i not in (_TABLES, _SATURATION)]
        for into, words_ in zip(rooms, state):
            for i in range(len(into)):
                if isinstance(into[i], list):
                    into[i][:] = words_[i]
                else:
                    into[i] = words_[i]

    # --- inside
    def _get(self, key):
        value = self.nominal[key]
        permille = self.permille.get(key)
        return value if permille is None else value * permille // 1000

    def _misjudge(self, name, permille):
        keys = ALIASES.get(name) or (name,)
        for key in keys:
            if not isinstance(self.nominal.get(key), int):
                raise ValueError(
                    "params: no parameter is called %r; take one of %s"
                    % (name, ", ".join(sorted(list(ALIASES) + list(self.nominal))))
                )
            self.permille[key] = int(permille)

    def _set_parameters(self):
        m, get = self.rooms, self._get
        m[_BREW_P][:] = thermal.boiler_parameters(get, "brew")
        m[_STEAM_P][:] = thermal.boiler_parameters(get, "steam")
        m[_GROUP_P][:] = thermal.group_parameters(get)
        headspace = m[_HYDRO_P][hydraulics.HEADSPACE] if m[_HYDRO_P] else 0
        m[_HYDRO_P][:] = hydraulics.hydraulic_parameters(get)
        if headspace:
            m[_HYDRO_P][hydraulics.HEADSPACE] = headspace
        m[_PUCK_P][:] = puck.puck_parameters(get)
        m[_VESSEL_P][:] = vessels.vessel_parameters(get)
        q = self.noise_permille
        m[_CORE_P][:] = [
            get("pump_stall_mbar") * 1000, get("pump_free_ul_s"), get("pump_on_mains"),
            get("tank_low_ml") * 1000000, get("tray_full_ml") * 1000000,
            get("probe_ml") * 1000000, get("mains_wander_permille") * q,
            get("barista_ms") // 100, get("pressure_ripple_mbar") * q * 1000
            * m[_TABLES][3][1] // (1000 << 30), get("scale_counts_g") * 1000,
            get("scale_noise_mg") * q, get("scale_shake_mg") * q, get("scale_zero_counts"),
            get("has_steam"), get("adc_slow_permille") * 16 * 256 * q // 1000000,
            1 if self._sensors[3] or self._sensors[2] or get("scale_counts_g") else 0,
        ]
        for c in self.channels:
            c[sensors.BASE_SIGMA] = get("adc_noise_permille") * 16 * q // 1000000
            c[sensors.SIGMA] = c[sensors.BASE_SIGMA] * c[sensors.GAIN] // 1000
        self._set_surroundings()

    def _set_surroundings(self):
        m = self.rooms
        for p in (m[_BREW_P], m[_STEAM_P]):
            p[thermal.AMBIENT] = self.ambient_mc * 1000
            p[thermal.INLET] = self.inlet_mc * 1000
        m[_GROUP_P][thermal.ROOM] = self.ambient_mc * 1000

    def _set_state(self):
        m, get = self.rooms, self._get
        room = self.ambient_mc * 1000
        m[_BREW] = thermal.boiler_state(m[_BREW_P], room)
        m[_STEAM] = thermal.boiler_state(m[_STEAM_P], room, get("steam_fill_ml") * 1000000)
        m[_GROUP] = [room, room]
        m[_HYDRO] = [0] * hydraulics.HYDRAULIC_STATE
        m[_PUCK] = [0] * puck.PUCK_STATE
        m[_PUCK][puck.FACTOR] = m[_PUCK][puck.GOAL] = 1 << 20
        v = m[_VESSEL] = [0] * vessels.VESSEL_STATE
        v[vessels.TANK] = get("tank_ml") * 1000000
        v[vessels.CUP_THERE] = 1
        v[vessels.NEXT] = m[_VESSEL_P][vessels.PULSE_NL]
        v[vessels.HOPPER] = get("hopper_g") * 1000000
        v[vessels.CELL] = get("cup_tare_mg") * 1000
        core = m[_CORE] = [0] * _CORE_STATE
        core[_SHUT] = 1 << 20
        core[_BARISTA] = core[_DOOR] = core[_TRAY_IN] = 1
        core[_GRIND] = 1000

    def _settle(self):
        # readings before the first step
        _tenth(self.rooms)
        _feel(self.rooms)
        _switches(self.rooms)

    def _knock_out(self):
        m = self.rooms
        hydro, bed, core = m[_HYDRO], m[_PUCK], m[_CORE]
        if not hydro[hydraulics.OPEN]:
            core[_DISCARDED] += bed[puck.ABSORBED] + hydro[hydraulics.GROUP_NL]
            hydro[hydraulics.GROUP_NL] = hydro[hydraulics.GROUP_UBAR] = 0
        else:
            core[_DISCARDED] += bed[puck.ABSORBED]

    def _tend(self):
        # the person at the machine: a while after a shot, a fresh puck and an empty cup
        if self.rooms[_PUCK][puck.USED] and not self.rooms[_CORE][_HAND_PUCK]:
            self.new_puck()
            self.empty_cup()

    def _grind(self, m):
        core, v = m[_CORE], m[_VESSEL]
        on = self.u[words.U_GRINDER]
        if on and not core[_GRINDING]:
            self.new_puck()  # into an emptied basket
            self._dose(0)
        core[_GRINDING] = on
        vessels.grind(v, 1 if on and not m[_FAULTS][faults.GRINDER] else 0)
        self._dose(m[_PUCK][puck.DOSE] + v[vessels.GROUND])

    def _dose(self, dose_ug):
        # what this puck's chance makes of so much coffee; headspace is what it leaves free
        m = self.rooms
        core = m[_CORE]
        nominal_ug = self._get("dose_mg") * 1000
        fresh = self._get("puck_mbar_s_ml") * core[_GRAIN] // 1024000 * core[_GRIND] // 1000
        water = dose_ug // 1000 * self._get("puck_water_ul_g") * core[_THIRST] // 1024000
        free = self._get("headspace_ul") * 1000 + core[_ROOM_OVER] * 1000 // 1024
        free += (nominal_ug - dose_ug) * self._get("puck_volume_ul_g") // 1000
        m[_HYDRO_P][hydraulics.HEADSPACE] = max(free, 1000000)
        puck.fill(
            m[_PUCK], max(fresh * dose_ug // nominal_ug, 30), water, dose_ug,
            dose_ug * self._get("soluble_permille") // 1000,
        )


def _cup(plant, there):
    v = plant.rooms[_VESSEL]
    if bool(v[vessels.CUP_THERE]) != bool(there):
        plant.empty_cup()
    v[vessels.CUP_THERE] = 1 if there else 0


def _core_setter(word):
    def put(plant, value):
        plant.rooms[_CORE][word] = value

    return put


def _vessel_setter(word, factor):
    def put(plant, value):
        plant.rooms[_VESSEL][word] = value * factor

    return put


def _tank(plant, water):
    # 1: filled up, 0: down to nothing
    v = plant.rooms[_VESSEL]
    v[vessels.TANK] = plant.nominal["tank_ml"] * 1000000 if water else 0


def _tray(plant, good):
    # 1: emptied and in place, 0: pulled out
    plant.rooms[_CORE][_TRAY_IN] = 1 if good else 0
    if good:
        plant.rooms[_VESSEL][vessels.TRAY] = 0


def _hopper(plant, beans):
    v = plant.rooms[_VESSEL]
    v[vessels.HOPPER] = plant.nominal["hopper_g"] * 1000000 if beans else 0


def _ambient(plant, value):
    plant.ambient_mc = value
    plant._set_surroundings()


def _inlet(plant, value):
    plant.inlet_mc = value
    plant._set_surroundings()


def _noise(plant, permille):
    plant.noise_permille = permille
    plant._set_parameters()


def _mains(plant, permille):
    plant.u[words.U_MAINS_PERMILLE] = permille


def _temp_brew(plant, mc):
    m = plant.rooms
    thermal.warm(m[_BREW], m[_BREW_P], mc * 1000)
    m[_GROUP][thermal.INLET_TEMP] = m[_GROUP][thermal.METAL] = mc * 1000


def _temp_steam(plant, mc):
    m = plant.rooms
    thermal.warm(m[_STEAM], m[_STEAM_P], mc * 1000)


def _puck(plant, kind):
    plant.rooms[_CORE][_HAND_PUCK] = kind
    plant.new_puck()


# what a person or a test may set: name -> function(plant, value)
SETTINGS = {
    "cup": _cup,  # 1 there, 0 taken away; a cup put back is empty
    "tank": _tank,
    "tank_ml": _vessel_setter(vessels.TANK, 1000000),
    "tray": _tray,
    "tray_ml": _vessel_setter(vessels.TRAY, 1000000),
    "hopper": _hopper,
    "hopper_g": _vessel_setter(vessels.HOPPER, 1000000),
    "door": _core_setter(_DOOR),
    "tap": _core_setter(_TAP),  # hand tap for hot water at the brew boiler
    "puck": _puck,  # words.PUCK_*: a fresh one of this kind, and all that follow
    "new_puck": lambda plant, dose_mg: plant.new_puck(dose_mg),
    "dose_mg": _core_setter(_HAND_DOSE),  # of the next pucks; 0: nominal with its variation
    "grind": _core_setter(_GRIND),  # permille of the nominal resistance, next puck
    "barista": _core_setter(_BARISTA),  # 1: a fresh puck and empty cup a while after each shot
    "extra_mg": _vessel_setter(vessels.EXTRA, 1000),  # laid on the grid of the load cell
    "ambient_mc": _ambient,
    "inlet_mc": _inlet,
    "mains_permille": _mains,
    "noise_permille": _noise,
    "temp_brew_mc": _temp_brew,
    "temp_steam_mc": _temp_steam,
}
