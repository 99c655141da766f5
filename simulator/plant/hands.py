# What a person or a test may set about a machine and its room, by name. Faults stand in faults.py.
from . import basket, parameters, thermal, vessels
from . import rooms as at
from .words import U_MAINS_PERMILLE


def set_value(plant, name, value):
    """Sets one thing.

    name: of SETTINGS, or times_<figure> with permille of the nominal figure (a model error).

    Raises:
        ValueError: no such name; the text lists those there are.
    """
    if name.startswith("times_"):
        plant.misjudge(name[6:], value)
    elif name in SETTINGS:
        SETTINGS[name](plant, int(value))
    else:
        raise ValueError(
            "set: nothing is called %r; take one of %s, or times_<figure>"
            % (name, ", ".join(sorted(SETTINGS)))
        )


def _core(word):
    def put(plant, value):
        plant.rooms[at.CORE][word] = value

    return put


def _vessel(word, factor):
    def put(plant, value):
        plant.rooms[at.VESSEL][word] = value * factor

    return put


def _refill(word, figure):
    # 1: filled up, 0: down to nothing
    def put(plant, full):
        full_ul = plant.figures.get(figure) * 1000000 if full else 0
        plant.rooms[at.VESSEL][word] = full_ul

    return put


def _cup(plant, there):
    v = plant.rooms[at.VESSEL]
    if bool(v[vessels.CUP_THERE]) != bool(there):
        basket.empty_cup(plant)
    v[vessels.CUP_THERE] = 1 if there else 0


def _tray(plant, good):
    plant.rooms[at.CORE][at.TRAY_IN] = 1 if good else 0
    if good:
        plant.rooms[at.VESSEL][vessels.TRAY] = 0


def _liquid(name, mc):
    if not 0 <= mc <= 60000:
        raise ValueError("%s: %d is not in 0...60000 m°C" % (name, mc))
    return mc


def _ambient(plant, mc):
    plant.ambient_mc = _liquid("ambient_mc", mc)
    parameters.surround(plant.rooms, plant.ambient_mc, plant.inlet_mc)


def _inlet(plant, mc):
    plant.inlet_mc = _liquid("inlet_mc", mc)
    parameters.surround(plant.rooms, plant.ambient_mc, plant.inlet_mc)


def _noise(plant, permille):
    plant.noise_permille = permille
    plant.refresh_parameters()


def _mains(plant, permille):
    plant.u[U_MAINS_PERMILLE] = permille


def _temp_brew(plant, mc):
    m = plant.rooms
    thermal.warm(m[at.BREW], m[at.BREW_P], mc * 1000)
    m[at.GROUP][thermal.INLET_TEMP] = m[at.GROUP][thermal.METAL] = mc * 1000


def _temp_steam(plant, mc):
    thermal.warm(plant.rooms[at.STEAM], plant.rooms[at.STEAM_P], mc * 1000)


def _puck(plant, kind):
    plant.rooms[at.CORE][at.HAND_PUCK] = kind
    basket.new_puck(plant, 0)


SETTINGS = {
    "cup": _cup,  # 1 there, 0 taken away; a cup put back is empty
    "tank": _refill(vessels.TANK, "tank_ml"),
    "tank_ml": _vessel(vessels.TANK, 1000000),
    "tray": _tray,  # 1 emptied and in place, 0 pulled out
    "tray_ml": _vessel(vessels.TRAY, 1000000),
    "hopper": _refill(vessels.HOPPER, "hopper_g"),
    "hopper_g": _vessel(vessels.HOPPER, 1000000),
    "door": _core(at.DOOR),  # 1 closed
    "tap": _core(at.TAP),  # 1: the hand tap for hot water at the brew boiler is open
    "puck": _puck,  # words.PUCK_*: a fresh one of this kind, and all that follow
    "new_puck": basket.new_puck,  # of so many mg; 0: nominal with its variation
    "dose_mg": _core(at.HAND_DOSE),  # of the next pucks; 0: nominal with its variation
    "grind": _core(at.GRIND),  # permille of the nominal resistance, from the next puck on
    "barista": _core(at.BARISTA),  # 1: fresh puck and empty cup a while after each shot
    "extra_mg": _vessel(vessels.EXTRA, 1000),  # laid on the grid of the load cell
    "ambient_mc": _ambient,
    "inlet_mc": _inlet,
    "mains_permille": _mains,
    "noise_permille": _noise,
    "temp_brew_mc": _temp_brew,  # a warm start
    "temp_steam_mc": _temp_steam,
}
