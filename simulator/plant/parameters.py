# The machine's figures with the model's error in them, turned into the parameter words of the
# rooms. Floats are allowed here (nothing runs in a step), the words are ints.
from array import array

from . import hydraulics, puck, thermal, vessels
from . import rooms as at
from .sensors import BASE_SIGMA, GAIN, SIGMA

# one name for what a model error usually hits together
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


class Figures:
    """Figures of one machine: get(name) is the nominal one times this machine's error."""

    def __init__(self, nominal):
        self.nominal = nominal
        self.permille = {}

    def get(self, name):
        value = self.nominal[name]
        permille = self.permille.get(name)
        return value if permille is None else value * permille // 1000

    def misjudge(self, name, permille):
        """Lets the machine differ: name of a figure or of ALIASES, permille of the nominal.

        Raises:
            ValueError: no such figure; the text lists those there are.
        """
        for key in ALIASES.get(name) or (name,):
            if not isinstance(self.nominal.get(key), int):
                raise ValueError(
                    "params: no parameter %r; use one of %s"
                    % (name, ", ".join(sorted(list(ALIASES) + list(self.nominal))))
                )
            self.permille[key] = int(permille)


def _put(rooms, place, values):
    # viper reads them through ptr32, which does not extend the sign on a 64-bit machine
    if min(values) < 0:
        raise ValueError("figures of %s: a parameter is negative" % at.ROOMS[place])
    if rooms[place]:
        for i in range(len(values)):
            rooms[place][i] = values[i]
    else:
        rooms[place] = array("i", values)


def fill(rooms, get, sensors, noise_permille):
    """Writes the parameter words of every room. sensors: those of the four channels or None."""
    headspace = rooms[at.HYDRO_P][hydraulics.HEADSPACE] if rooms[at.HYDRO_P] else 0
    _put(rooms, at.BREW_P, thermal.boiler_parameters(get, "brew"))
    _put(rooms, at.STEAM_P, thermal.boiler_parameters(get, "steam"))
    _put(rooms, at.GROUP_P, thermal.group_parameters(get))
    _put(rooms, at.HYDRO_P, hydraulics.hydraulic_parameters(get))
    if headspace:  # belongs to the puck in the basket
        rooms[at.HYDRO_P][hydraulics.HEADSPACE] = headspace
    _put(rooms, at.PUCK_P, puck.puck_parameters(get))
    _put(rooms, at.VESSEL_P, vessels.vessel_parameters(get))
    slope = rooms[at.TABLES][3][1]  # sixteenths of a code per ubar, 2**30 = 1
    _put(rooms, at.CORE_P, _core(get, sensors, noise_permille, slope))
    for c in rooms[at.CHANNELS]:
        c[BASE_SIGMA] = get("adc_noise_permille") * 16 * noise_permille // 1000000
        c[SIGMA] = c[BASE_SIGMA] * c[GAIN] // 1000


def _core(get, sensors, noise_permille, slope):
    # in the order of rooms.CORE_PARAMETERS
    q = noise_permille
    return [
        get("pump_stall_mbar") * 1000,
        get("pump_free_ul_s"),
        get("pump_on_mains"),
        get("tank_low_ml") * 1000000,
        get("tray_full_ml") * 1000000,
        get("probe_ml") * 1000000,
        get("mains_wander_permille") * q,
        get("barista_ms") // 100,
        get("pressure_ripple_mbar") * q * slope >> 30,
        get("scale_counts_g") * 1000,
        get("scale_noise_mg") * q,
        get("scale_shake_mg") * q,
        get("scale_zero_counts"),
        get("has_steam"),
        get("adc_slow_permille") * 16 * 256 * q // 1000000,
        1 if sensors[2] or sensors[3] or get("scale_counts_g") else 0,
    ]


def surround(rooms, ambient_mc, inlet_mc):
    """Temperatures of the room and of the water in the tank."""
    for p in (rooms[at.BREW_P], rooms[at.STEAM_P]):
        p[thermal.AMBIENT] = ambient_mc * 1000
        p[thermal.INLET] = inlet_mc * 1000
    rooms[at.GROUP_P][thermal.ROOM] = ambient_mc * 1000
