# The basket between two shots: a fresh puck by chance, the grinder's dose, the knock-box. Called
# inside a step, so nothing here allocates.
from . import faults, hydraulics, puck, vessels
from . import rooms as at
from .noise import normal, uniform
from .words import U_GRINDER, U_PUMP_PERMILLE, U_VALVE_BREW

_NEVER = 1 << 60


def new_puck(plant, dose_mg):
    """Replaces what is in the basket. dose_mg 0: what the person doses, or nominal by chance.

    Draws the same number of times for each puck, so the nth puck of a seed is always the same.
    """
    m, figures = plant.rooms, plant.figures
    core, r = m[at.CORE], m[at.STREAMS]
    z = normal(r, at.R_PUCK) * figures.get("dose_sigma_permille")
    if not dose_mg:
        dose_mg = core[at.HAND_DOSE] or figures.get("dose_mg") * (1024000 + z) // 1024000
    z = 1024000 + normal(r, at.R_PUCK) * figures.get("grind_sigma_permille")
    core[at.GRAIN] = min(max(z, 600000), 1600000)
    z = normal(r, at.R_PUCK) * figures.get("puck_water_sigma_permille")
    core[at.THIRST] = 1024000 + z
    core[at.ROOM_OVER] = normal(r, at.R_PUCK) * figures.get("headspace_sigma_ul")
    z = normal(r, at.R_PUCK) * figures.get("grinder_sigma_permille")
    rate = figures.get("grinder_mg_s") * 10 * (1024000 + z) // 1024000
    m[at.VESSEL][vessels.GRIND_RATE] = rate
    chance = uniform(r, at.R_PUCK) & 1023
    where = uniform(r, at.R_PUCK) & 1023
    depth = figures.get("channel_depth_permille") * (512 + (uniform(r, at.R_PUCK) & 1023))
    opens_at = _NEVER
    if chance * 1000 < figures.get("channel_permille") * 1024:
        opens_at = (2000 + where * 20) * 1000  # after 2...22 ml
    _knock_out(m)
    puck.fresh(m[at.PUCK], core[at.HAND_PUCK], opens_at, min(depth * 64 // 1000, 60000))
    core[at.PUCKS] += 1
    dose(plant, dose_mg * 1000)


def dose(plant, dose_ug):
    """So much coffee lies in the basket: resistance, thirst and headspace follow from it."""
    m, figures = plant.rooms, plant.figures
    core, bed, p = m[at.CORE], m[at.PUCK], m[at.PUCK_P]
    nominal_ug = figures.get("dose_mg") * 1000
    fresh = figures.get("puck_mbar_s_ml") * core[at.GRAIN] // 1024000 * core[at.GRIND] // 1000
    water = dose_ug // 1000 * figures.get("puck_water_ul_g") * core[at.THIRST] // 1024000
    free = figures.get("headspace_ul") * 1000 + core[at.ROOM_OVER] * 1000 // 1024
    free += (nominal_ug - dose_ug) * figures.get("puck_volume_ul_g") // 1000
    m[at.HYDRO_P][hydraulics.HEADSPACE] = max(free, 1000000)
    puck.fill(
        bed, max(fresh * dose_ug // nominal_ug, p[puck.EMPTY]), water, dose_ug,
        dose_ug * figures.get("soluble_permille") // 1000,
    )
    m[at.HYDRO][hydraulics.SOAK] = puck.suction(bed, p)


def grind(plant):
    """The grinder's part of a step: its first moment empties the basket, then coffee falls."""
    m = plant.rooms
    core, v = m[at.CORE], m[at.VESSEL]
    on = plant.u[U_GRINDER]
    if on and not core[at.GRINDING]:
        new_puck(plant, 0)
        dose(plant, 0)
    core[at.GRINDING] = on
    vessels.grind(v, 1 if on and not m[at.FAULTS][faults.GRINDER] else 0)
    dose(plant, m[at.PUCK][puck.DOSE] + v[vessels.GROUND])


def _knock_out(m):
    hydro, core = m[at.HYDRO], m[at.CORE]
    core[at.DISCARDED] += m[at.PUCK][puck.ABSORBED]
    if not hydro[hydraulics.OPEN]:  # the handle comes off, and the water over the puck with it
        core[at.DISCARDED] += hydro[hydraulics.GROUP_NL]
        hydro[hydraulics.GROUP_NL] = hydro[hydraulics.GROUP_UBAR] = 0


def empty_cup(plant):
    """The cup is poured out and put back."""
    v, core = plant.rooms[at.VESSEL], plant.rooms[at.CORE]
    core[at.DISCARDED] += v[vessels.CUP_NL]
    v[vessels.CUP_NL] = v[vessels.CUP_UG] = 0


def help_out(plant):
    """The person at the machine, ten times a second: a while after a shot a fresh puck and an
    empty cup; a hand tap, where there is one, opened while the pump works against a closed group.
    """
    m = plant.rooms
    core, p = m[at.CORE], m[at.CORE_P]
    if core[at.SHUT] // 10 == p[at.PATIENCE]:
        if m[at.PUCK][puck.USED] and not core[at.HAND_PUCK]:
            new_puck(plant, 0)
            empty_cup(plant)
    asked = plant.u[U_PUMP_PERMILLE] and not plant.u[U_VALVE_BREW]
    core[at.HAND] = 1 if asked and m[at.HYDRO_P][hydraulics.TAP_G] else 0
