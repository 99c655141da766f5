# One half-cycle of the whole machine: mains and elements, valves, water, heat, each room in turn.
# The physics of a room stands in its own file, readings in readings.py.
import micropython
from micropython import const

from .hydraulics import flow_step
from .noise import normal
from .puck import resist, soak, suction
from .thermal import brew_step, group_step, steam_step
from .vessels import meter, pour

# places in rooms and words of rooms, folded at compile time; a test compares them with their rooms
_M_U = const(0)
_M_BREW = const(3)
_M_BREW_P = const(4)
_M_STEAM = const(5)
_M_STEAM_P = const(6)
_M_GROUP = const(7)
_M_GROUP_P = const(8)
_M_HYDRO = const(9)
_M_HYDRO_P = const(10)
_M_PUCK = const(11)
_M_PUCK_P = const(12)
_M_VESSEL = const(13)
_M_VESSEL_P = const(14)
_M_FAULTS = const(15)
_M_STREAMS = const(18)
_M_CORE = const(19)
_M_CORE_P = const(20)
_M_DRAW = const(21)
_M_SATURATION = const(22)
_K_STEPS = const(0)
_K_WANDER = const(1)
_K_PUMPED = const(2)
_K_DISCARDED = const(3)
_K_SHUT = const(5)
_K_TAP = const(6)
_K_HAND_PUCK = const(12)
_K_DRAWN_MW = const(18)
_K_MAINS_PPM = const(19)
_K_HAND = const(20)
_KP_STALL = const(0)
_KP_FREE = const(1)
_KP_PUMP_ON_MAINS = const(2)
_KP_HAS_STEAM = const(13)
_U_HEATER_BREW = const(0)
_U_HEATER_STEAM = const(1)
_U_PUMP_PERMILLE = const(2)
_U_VALVE_BREW = const(3)
_U_VALVE_STEAM = const(4)
_U_VALVE_WATER = const(5)
_U_VALVE_REFILL = const(6)
_U_SAFETY_RELAY = const(8)
_U_MAINS_PERMILLE = const(9)
_F_SSR_BREW = const(0)
_F_SSR_STEAM = const(1)
_F_SCALED_BREW = const(2)
_F_SCALED_STEAM = const(3)
_F_PUMP = const(4)
_F_VALVE_BREW = const(5)
_F_VALVE_STEAM = const(6)
_F_VALVE_WATER = const(7)
_F_VALVE_REFILL = const(8)
_F_METER = const(9)
_F_TANK = const(10)
_F_RELAY = const(15)
_F_PUCK = const(16)
_B_TEMP = const(2)
_B_PRESSURE = const(9)
_BP_POWER = const(0)
_D_POWER = const(0)
_D_VALVES = const(1)
_D_REFILL = const(2)
_H_BOILER_UBAR = const(1)
_H_GROUP_NL = const(2)
_H_GROUP_UBAR = const(3)
_H_SPEED = const(4)
_H_DRIVE = const(5)
_H_OPEN = const(6)
_H_REFILL_OPEN = const(7)
_H_STEAM_UBAR = const(8)
_H_CONDUCTANCE = const(9)
_H_SOAK = const(10)
_H_STALL_X = const(11)
_H_FREE = const(12)
_H_TAP = const(13)
_H_INTAKE = const(14)
_H_TO_PUCK = const(15)
_H_DRAINED = const(16)
_H_REFILLED = const(17)
_H_TAPPED = const(18)
_HP_RESIDUE = const(14)
_P_KIND = const(0)
_P_DISSOLVED = const(15)
_V_SPOUT = const(0)
_V_CLING = const(1)
_V_TRAY = const(4)
_V_TANK = const(5)
_V_FALL = const(7)
_V_METER = const(8)
_V_NEXT = const(9)
_V_PULSES = const(10)
_R_METER = const(1)


@micropython.viper
def advance(m):
    u = ptr32(m[_M_U])
    f = m[_M_FAULTS]
    core = m[_M_CORE]
    core_p = ptr32(m[_M_CORE_P])
    hydro = m[_M_HYDRO]
    hydro_p = m[_M_HYDRO_P]
    vessel = m[_M_VESSEL]
    vessel_p = m[_M_VESSEL_P]
    brew = m[_M_BREW]
    steam = m[_M_STEAM]
    bed = m[_M_PUCK]
    bed_p = m[_M_PUCK_P]

    # --- mains and elements
    mains = int(u[_U_MAINS_PERMILLE]) * 1000 + int(core[_K_WANDER])
    contact = int(u[_U_SAFETY_RELAY]) | int(f[_F_RELAY])
    brew_mw = 0
    k = int(f[_F_SSR_BREW])
    if (int(u[_U_HEATER_BREW]) and k != 2) or k == 1:
        if contact:
            brew_mw = (int(ptr32(m[_M_BREW_P])[_BP_POWER]) * int(f[_F_SCALED_BREW])) // 1000
            brew_mw = (((brew_mw * mains) // 1000000) * mains) // 1000000
    steam_mw = 0
    k = int(f[_F_SSR_STEAM])
    if (int(u[_U_HEATER_STEAM]) and k != 2) or k == 1:
        if contact and int(core_p[_KP_HAS_STEAM]):
            steam_mw = (int(ptr32(m[_M_STEAM_P])[_BP_POWER]) * int(f[_F_SCALED_STEAM])) // 1000
            steam_mw = (((steam_mw * mains) // 1000000) * mains) // 1000000

    # --- valves (a fault holds one closed: 1, or open: 2)
    valve = int(u[_U_VALVE_BREW])
    k = int(f[_F_VALVE_BREW])
    if k:
        valve = k >> 1
    draw = m[_M_DRAW]
    k = int(f[_F_VALVE_STEAM])
    steam_valve = int(u[_U_VALVE_STEAM])
    if k:
        steam_valve = k >> 1
    k = int(f[_F_VALVE_WATER])
    water_valve = int(u[_U_VALVE_WATER])
    if k:
        water_valve = k >> 1
    refill = int(u[_U_VALVE_REFILL])
    k = int(f[_F_VALVE_REFILL])
    if k:
        refill = k >> 1

    # --- water
    hydro[_H_DRIVE] = (int(u[_U_PUMP_PERMILLE]) << 24) // 1000
    hydro[_H_OPEN] = valve
    hydro[_H_REFILL_OPEN] = refill
    drive = int(hydro[_H_DRIVE])
    intake = 0
    out = 0
    moving = 0
    ub = int(hydro[_H_BOILER_UBAR])
    if drive or int(hydro[_H_SPEED]) or ub > 1000 or int(hydro[_H_GROUP_UBAR]) > 1000:
        moving = 1
    elif int(hydro[_H_GROUP_NL]):
        # water over the puck: it goes on if the puck sucks or the drain takes it
        if int(hydro[_H_SOAK]):
            moving = 1
        if valve == 0 and int(hydro[_H_GROUP_NL]) > int(ptr32(hydro_p)[_HP_RESIDUE]):
            moving = 1
    if moving:
        k = int(f[_F_PUCK])
        if k == 0:
            k = int(core[_K_HAND_PUCK])
        bed[_P_KIND] = k
        free = int(core_p[_KP_FREE])
        stall = int(core_p[_KP_STALL])
        if int(core_p[_KP_PUMP_ON_MAINS]):
            free = (free * mains) // 1000000
            stall = (stall * mains) // 1000000
        if int(f[_F_PUMP]) or int(f[_F_TANK]) or int(vessel[_V_TANK]) <= 0:
            free = 0
        hydro[_H_STEAM_UBAR] = int(steam[_B_PRESSURE]) * 1000
        hydro[_H_CONDUCTANCE] = resist(bed, bed_p, int(hydro[_H_GROUP_UBAR]))
        hydro[_H_SOAK] = suction(bed, bed_p)
        hydro[_H_STALL_X] = (1 << 46) // stall
        hydro[_H_FREE] = free
        hydro[_H_TAP] = int(core[_K_TAP]) | int(core[_K_HAND])
        flow_step(hydro, hydro_p)
        intake = int(hydro[_H_INTAKE])
        out = int(soak(bed, bed_p, int(hydro[_H_TO_PUCK])))
        vessel[_V_TANK] = int(vessel[_V_TANK]) - intake
        core[_K_PUMPED] = int(core[_K_PUMPED]) + intake
        vessel[_V_TRAY] = int(vessel[_V_TRAY]) + int(hydro[_H_DRAINED])
        core[_K_DISCARDED] = int(core[_K_DISCARDED]) + int(hydro[_H_TAPPED])
    else:
        hydro[_H_INTAKE] = 0
        hydro[_H_TO_PUCK] = 0
        hydro[_H_DRAINED] = 0
        hydro[_H_REFILLED] = 0
        hydro[_H_TAPPED] = 0
        bed[_P_DISSOLVED] = 0
    if out + int(vessel[_V_SPOUT]) + int(vessel[_V_CLING]):
        pour(vessel, vessel_p, out, int(bed[_P_DISSOLVED]))
    else:
        vessel[_V_FALL] = 0
    vessel[_V_PULSES] = 0
    if intake > 0:
        if int(f[_F_METER]) == 0:
            k = 0
            if int(vessel[_V_METER]) + intake >= int(vessel[_V_NEXT]):
                k = int(normal(m[_M_STREAMS], _R_METER))
            meter(vessel, vessel_p, intake, k)

    # --- heat
    brew_step(brew, m[_M_BREW_P], brew_mw, intake - int(hydro[_H_REFILLED]))
    group_step(m[_M_GROUP], m[_M_GROUP_P], int(brew[_B_TEMP]), int(hydro[_H_TO_PUCK]))
    if int(core_p[_KP_HAS_STEAM]):
        draw[_D_POWER] = steam_mw
        draw[_D_VALVES] = steam_valve | (water_valve << 1)
        draw[_D_REFILL] = int(hydro[_H_REFILLED])
        steam_step(steam, m[_M_STEAM_P], m[_M_SATURATION], draw)

    if valve:
        core[_K_SHUT] = 0
    else:
        core[_K_SHUT] = int(core[_K_SHUT]) + 1
    core[_K_STEPS] = int(core[_K_STEPS]) + 1
    core[_K_DRAWN_MW] = brew_mw + steam_mw
    core[_K_MAINS_PPM] = mains
