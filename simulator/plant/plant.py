# One machine: the rooms of the plant put together, stepped by the mains' half-cycles (10 ms).
#
#     plant = Plant(PLANT, seed=1, params={"capacity": 0.8})   # PLANT: boards/<board>/plant.py
#     plant.u[words.U_HEATER_BREW] = 1                          # what the controller drives
#     plant.step()
#     plant.y, plant.adc(words.ADC_BREW)                        # what it feels
#     plant.t                                                   # what is true
#
# step() and adc() allocate nothing. No physics here: a room of the machine is a file of its own.
import json
from array import array

from . import basket, faults, hands, hydraulics, noise, parameters, puck, thermal, vessels, words
from . import rooms as at
from .advance import advance
from .readings import feel, switches, tell, tenth
from .sensors import channel, convert, pressure_line, temperature_code, temperature_table

_PARAMETER_ROOMS = (
    at.BREW_P, at.STEAM_P, at.GROUP_P, at.HYDRO_P, at.PUCK_P, at.VESSEL_P, at.CORE_P,
)
_UNCHANGING = (at.TABLES, at.SATURATION)
_DRIFT_AT_UC = 95000000  # where a drift in m°C is translated into codes
_CHANNEL_STREAMS = 16  # number of the first channel's stream


class Plant:
    """A coffee machine.

    Args:
        nominal: PLANT of the board's plant.py.
        seed: of pucks, grinding, noise and mains; the same seed and the same inputs give the same
            bits, under MicroPython and CPython.
        params: what is wrong with the nominal figures: name (or parameters.ALIASES) → factor.

    Attributes:
        u, y: array("i"), see words.py; t the same, refreshed when asked for.
        rooms: state and parameters, see rooms.py.
    """

    def __init__(self, nominal, seed=0, params=None):
        self.figures = parameters.Figures(nominal)
        self.noise_permille = 1000
        self.ambient_mc = nominal["ambient_mc"]
        self.inlet_mc = nominal["inlet_mc"]
        self.sensors = [nominal[c + "_sensor"] for c in words.CHANNELS]
        for name, factor in (params or {}).items():
            self.figures.misjudge(name, int(factor * 1000 + 0.5))
        self._furnish(seed)
        self.refresh_parameters()
        self._begin()
        basket.new_puck(self, 0)
        tenth(self.rooms)
        self._feel()

    # --- the step
    def step(self):
        """Half a cycle of the mains, 10 ms. Allocates nothing."""
        m = self.rooms
        advance(m)
        core = m[at.CORE]
        if core[at.STEPS] % 10:
            feel(m, 0)
        else:
            self._tenth(m, core)
        if self.u[words.U_GRINDER] or core[at.GRINDING]:
            basket.grind(self)

    def adc(self, channel):
        """read_u16 of a channel (words.ADC_*): 0...65535, noise and 12 bits. Allocates nothing."""
        return convert(self.channels[channel])

    @property
    def t(self):
        """The truth as it stands, array("i"), words.T_*. Ask anew after each step."""
        tell(self.rooms)
        return self._t

    def _tenth(self, m, core):
        tenth(m)
        feel(m, 1)
        switches(m)
        if core[at.BARISTA]:
            basket.help_out(self)

    def _feel(self):
        feel(self.rooms, 1)
        switches(self.rooms)

    # --- hands and accidents
    def set(self, name, value):
        """A state of the machine or its room: hands.SETTINGS, or times_<figure> in permille."""
        hands.set_value(self, name, value)
        self._feel()

    def new_puck(self, dose_mg=0):
        """A fresh puck; dose_mg 0: the nominal dose with its variation."""
        basket.new_puck(self, dose_mg)

    def fault(self, name, value=1):
        """Breaks something, or mends it with value 0; fault_names() tells what there is."""
        faults.apply(self, name, value)
        self._feel()

    def fault_names(self):
        """What can break on this machine, with what the value means: {name: text}."""
        return faults.names(self)

    def misjudge(self, name, permille):
        """Lets this machine differ from its nominal figures from now on."""
        self.figures.misjudge(name, permille)
        self.refresh_parameters()

    def disturb_puck(self, factor_permille, ms):
        """Lets the resistance of the puck run to factor x what it would be, linearly in ms."""
        bed = self.rooms[at.PUCK]
        goal = factor_permille * 1048576 // 1000
        bed[puck.GOAL] = goal
        bed[puck.PACE] = max(1, abs(goal - bed[puck.FACTOR]) * 10 // max(ms, 10))

    # --- what a broken sensor shows
    def open_code(self, channel):
        """16 x code with a broken wire: NTC and transducer are pulled down, an amplifier rails."""
        s = self.sensors[channel]
        return 65535 if s and s[0] == "pt1000" else 0

    def drift_code(self, channel, value):
        """Sixteenths of a code that value (m°C, or mbar) makes near the working point."""
        table = self.rooms[at.TABLES][channel]
        if channel == words.ADC_PRESSURE:
            return value * 1000 * table[1] >> 30
        hot = temperature_code(table, _DRIFT_AT_UC + value * 1000)
        return hot - temperature_code(table, _DRIFT_AT_UC)

    # --- memory over a reset of the controller
    def snapshot(self):
        """Everything that may change, as bytes (JSON)."""
        kept = [list(r) for i, r in enumerate(self.rooms) if i not in _UNCHANGING]
        own = [self.figures.permille, self.noise_permille, self.ambient_mc, self.inlet_mc]
        return json.dumps([kept, own]).encode()

    def restore(self, data):
        """Goes on where snapshot() was taken, bit for bit."""
        kept, own = json.loads(data)
        self.figures.permille, self.noise_permille, self.ambient_mc, self.inlet_mc = own
        changing = [r for i, r in enumerate(self.rooms) if i not in _UNCHANGING]
        for into, values in zip(changing, kept):
            for i in range(len(into)):
                if isinstance(into[i], list):
                    into[i][:] = values[i]
                else:
                    into[i] = values[i]

    # --- inside
    def refresh_parameters(self):
        parameters.fill(self.rooms, self.figures.get, self.sensors, self.noise_permille)
        parameters.surround(self.rooms, self.ambient_mc, self.inlet_mc)

    def _furnish(self, seed):
        # the lists that everything else fills
        self.u = array("i", [0] * len(words.U_NAMES))
        self.y = array("i", [0] * len(words.Y_NAMES))
        self._t = array("i", [0] * len(words.T_NAMES))
        self.u[words.U_SAFETY_RELAY] = 1
        self.u[words.U_MAINS_PERMILLE] = 1000
        self.channels = [
            channel(noise.stream(seed, _CHANNEL_STREAMS + i)) for i in range(len(words.CHANNELS))
        ]
        m = self.rooms = [[] for _ in at.ROOMS]
        m[at.U], m[at.Y], m[at.T] = self.u, self.y, self._t
        m[at.CHANNELS] = self.channels
        m[at.TABLES] = [temperature_table(s) for s in self.sensors[:3]]
        m[at.TABLES].append(pressure_line(self.sensors[3]))
        m[at.STREAMS] = [noise.stream(seed, i) for i in range(len(at.STREAM_NAMES))]
        m[at.SATURATION] = thermal.saturation_table()
        m[at.DRAW] = [0] * len(at.DRAW_WORDS)

    def _begin(self):
        # a cold, full, dry machine with a cup
        m, get = self.rooms, self.figures.get
        room = self.ambient_mc * 1000
        m[at.BREW] = thermal.boiler_state(m[at.BREW_P], room)
        m[at.STEAM] = thermal.boiler_state(m[at.STEAM_P], room, get("steam_fill_ml") * 1000000)
        m[at.GROUP] = [room, room]
        m[at.HYDRO] = [0] * hydraulics.HYDRAULIC_STATE
        m[at.PUCK] = [0] * puck.PUCK_STATE
        m[at.PUCK][puck.FACTOR] = m[at.PUCK][puck.GOAL] = 1 << 20
        m[at.FAULTS] = [0] * faults.FAULT_WORDS
        m[at.FAULTS][faults.SCALED_BREW] = m[at.FAULTS][faults.SCALED_STEAM] = 1000
        v = m[at.VESSEL] = [0] * vessels.VESSEL_STATE
        v[vessels.TANK] = get("tank_ml") * 1000000
        v[vessels.CUP_THERE] = 1
        v[vessels.NEXT] = m[at.VESSEL_P][vessels.PULSE_NL]
        v[vessels.HOPPER] = get("hopper_g") * 1000000
        v[vessels.CELL] = get("cup_tare_mg") * 1000
        core = m[at.CORE] = [0] * len(at.CORE_STATE)
        core[at.SHUT] = 1 << 20
        core[at.BARISTA] = core[at.DOOR] = core[at.TRAY_IN] = 1
        core[at.GRIND] = 1000
