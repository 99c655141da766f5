# What a person or a test may set about a machine and its room, by name. Faults stand in faults.py.
from . import basket, parameters, thermal, vessels
from . import rooms as at
from .bounds import within
from .words import PUCK_BLIND, U_MAINS_PERMILLE


def set_value(plant, name, value):
    """Sets one thing.

    name: of SETTINGS, or times_<figure> with permille of the nominal figure (a model error).

    Raises:
        ValueError: no such name, the text lists those there are; or a value no machine can have.
    """
    if name.startswith("times_"):
        plant.misjudge(name[6:], within(name, value, 1, 100000))
    elif name in SETTINGS:
        put, most = SETTINGS[name]
        put(plant, within(name, value, 0, most))
    else:
        raise ValueError(
            "set: no setting %r; use one of %s, or times_<figure>"
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


def _ambient(plant, mc):
    plant.ambient_mc = mc
    parameters.surround(plant.rooms, plant.ambient_mc, plant.inlet_mc)


def _inlet(plant, mc):
    plant.inlet_mc = mc
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


# name: (what puts it, the most it takes; the least is 0)
SETTINGS = {
    "cup": (_cup, 1),  # 1 there, 0 taken away; a cup put back is empty
    "tank": (_refill(vessels.TANK, "tank_ml"), 1),
    "tank_ml": (_vessel(vessels.TANK, 1000000), 100000),
    "tray": (_tray, 1),  # 1 emptied and in place, 0 pulled out
    "tray_ml": (_vessel(vessels.TRAY, 1000000), 100000),
    "hopper": (_refill(vessels.HOPPER, "hopper_g"), 1),
    "hopper_g": (_vessel(vessels.HOPPER, 1000000), 100000),
    "door": (_core(at.DOOR), 1),  # 1 closed
    "tap": (_core(at.TAP), 1),  # 1: the hand tap for hot water at the brew boiler is open
    "puck": (_puck, PUCK_BLIND),  # words.PUCK_*: a fresh one of this kind, and all that follow
    "new_puck": (basket.new_puck, 100000),  # of so many mg; 0: nominal with its variation
    "dose_mg": (_core(at.HAND_DOSE), 100000),  # of the next pucks; 0: nominal with its variation
    "grind": (_core(at.GRIND), 100000),  # permille of nominal resistance, from the next puck on
    "barista": (_core(at.BARISTA), 1),  # 1: fresh puck and empty cup a while after each shot
    "extra_mg": (_vessel(vessels.EXTRA, 1000), 5000000),  # laid on the grid of the load cell
    "ambient_mc": (_ambient, 60000),
    "inlet_mc": (_inlet, 60000),
    "mains_permille": (_mains, 1500),
    "noise_permille": (_noise, 100000),
    "temp_brew_mc": (_temp_brew, 200000),  # a warm start
    "temp_steam_mc": (_temp_steam, 200000),
}
