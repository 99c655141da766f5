# What the machine shows: codes, switches and the load cell to the controller (y), the truth to
# people (t). Changes nothing but the noise that only readings have.
import micropython
from micropython import const

from .noise import normal
from .sensors import pressure_code, temperature_code
from .vessels import weigh

# places in rooms and words of rooms, folded at compile time; a test compares them with their rooms
_M_Y = const(1)
_M_T = const(2)
_M_BREW = const(3)
_M_STEAM = const(5)
_M_GROUP = const(7)
_M_HYDRO = const(9)
_M_PUCK = const(11)
_M_VESSEL = const(13)
_M_VESSEL_P = const(14)
_M_FAULTS = const(15)
_M_CHANNELS = const(16)
_M_TABLES = const(17)
_M_STREAMS = const(18)
_M_CORE = const(19)
_M_CORE_P = const(20)
_K_WANDER = const(1)
_K_PUMPED = const(2)
_K_DISCARDED = const(3)
_K_PUCKS = const(4)
_K_DOOR = const(8)
_K_TRAY_IN = const(9)
_K_COUNTS = const(10)
_K_DRAWN_MW = const(18)
_K_MAINS_PPM = const(19)
_KP_TANK_LOW = const(3)
_KP_TRAY_FULL = const(4)
_KP_PROBE = const(5)
_KP_WANDER_PPM = const(6)
_KP_RIPPLE = const(8)
_KP_SCALE_COUNTS = const(9)
_KP_SCALE_NOISE = const(10)
_KP_SCALE_SHAKE = const(11)
_KP_SCALE_ZERO = const(12)
_KP_SLOW_NOISE = const(14)
_KP_INSTRUMENTS = const(15)
_Y_ADC_BREW = const(0)
_Y_ADC_STEAM = const(1)
_Y_ADC_GROUP = const(2)
_Y_ADC_PRESSURE = const(3)
_Y_PULSES = const(4)
_Y_SCALE_COUNTS = const(5)
_Y_SCALE_READY = const(6)
_Y_TANK = const(7)
_Y_TRAY = const(8)
_Y_CUP = const(9)
_Y_DOOR = const(10)
_Y_HOPPER = const(11)
_Y_STEAM_PROBE = const(12)
_T_TEMP_BREW_MC = const(0)
_T_TEMP_GROUP_INLET_MC = const(1)
_T_TEMP_GROUP_MC = const(2)
_T_TEMP_STEAM_MC = const(3)
_T_ELEMENT_BREW_W = const(4)
_T_ELEMENT_STEAM_W = const(5)
_T_HEATER_W = const(6)
_T_PRESSURE_MBAR = const(7)
_T_PRESSURE_GROUP_MBAR = const(8)
_T_PRESSURE_STEAM_MBAR = const(9)
_T_FLOW_PUMP_UL_S = const(10)
_T_FLOW_PUCK_UL_S = const(11)
_T_FLOW_CUP_UL_S = const(12)
_T_PUMPED_UL = const(13)
_T_CUP_UL = const(14)
_T_CUP_MG = const(15)
_T_TRAY_UL = const(16)
_T_TANK_UL = const(17)
_T_PUCK_UL = const(18)
_T_HEADSPACE_UL = const(19)
_T_PUCK_MBAR_S_ML = const(20)
_T_PUCK_KIND = const(21)
_T_DOSE_MG = const(22)
_T_HOPPER_MG = const(23)
_T_STEAM_WATER_UL = const(24)
_T_ENERGY_J = const(25)
_T_MAINS_PERMILLE = const(26)
_T_PUCKS = const(27)
_T_DISCARDED_UL = const(28)
_T_VAPOUR_UL = const(29)
_F_TANK = const(10)
_F_FLOAT = const(11)
_F_SCALE_SILENT = const(12)
_F_SCALE_STUCK = const(13)
_F_PROBE = const(17)
_B_TEMP = const(2)
_B_SENSED = const(3)
_B_HEAT = const(4)
_B_DRAWN = const(7)
_B_WATER = const(8)
_B_PRESSURE = const(9)
_B_GONE = const(10)
_G_INLET = const(0)
_G_METAL = const(1)
_H_BOILER_UBAR = const(1)
_H_GROUP_NL = const(2)
_H_GROUP_UBAR = const(3)
_H_SPEED = const(4)
_H_INTAKE = const(14)
_H_TO_PUCK = const(15)
_P_KIND = const(0)
_P_ABSORBED = const(3)
_P_DOSE = const(10)
_P_RESISTANCE = const(11)
_V_CUP_NL = const(2)
_V_CUP_UG = const(3)
_V_TRAY = const(4)
_V_TANK = const(5)
_V_CUP_THERE = const(6)
_V_FALL = const(7)
_V_PULSES = const(10)
_V_HOPPER = const(11)
_V_CELL = const(14)
_C_CODE = const(0)
_C_SLOW = const(3)
_C_SIGMA = const(4)
_C_BASE_SIGMA = const(6)
_C_GAIN = const(7)
_C_SLOW_FINE = const(8)
_R_MAINS = const(0)
_R_SCALE = const(2)
_R_SLOW = const(4)


@micropython.viper
def feel(m, slow: int):
    # temperatures and pressure to codes, pulses. slow: steam and group as well
    y = ptr32(m[_M_Y])
    core_p = ptr32(m[_M_CORE_P])
    vessel = m[_M_VESSEL]
    channels = m[_M_CHANNELS]
    tables = m[_M_TABLES]
    hydro = m[_M_HYDRO]
    code = int(temperature_code(tables[0], int(m[_M_BREW][_B_SENSED])))
    channels[0][0] = code
    y[_Y_ADC_BREW] = code
    if slow:
        code = int(temperature_code(tables[1], int(m[_M_STEAM][_B_SENSED])))
        channels[1][0] = code
        y[_Y_ADC_STEAM] = code
        code = int(temperature_code(tables[2], int(m[_M_GROUP][_G_METAL])))
        channels[2][0] = code
        y[_Y_ADC_GROUP] = code
    if int(core_p[_KP_INSTRUMENTS]):
        code = int(pressure_code(tables[3], int(hydro[_H_BOILER_UBAR])))
        c = channels[3]
        c[_C_CODE] = code
        y[_Y_ADC_PRESSURE] = code
        sigma = (int(c[_C_BASE_SIGMA]) * int(c[_C_GAIN])) // 1000
        c[_C_SIGMA] = sigma + ((int(core_p[_KP_RIPPLE]) * int(hydro[_H_SPEED])) >> 24)
        weigh(vessel, m[_M_VESSEL_P])
    y[_Y_PULSES] = int(vessel[_V_PULSES])


@micropython.viper
def switches(m):
    y = ptr32(m[_M_Y])
    f = m[_M_FAULTS]
    core = m[_M_CORE]
    core_p = ptr32(m[_M_CORE_P])
    vessel = m[_M_VESSEL]
    k = 0
    if int(vessel[_V_TANK]) > int(core_p[_KP_TANK_LOW]) and int(f[_F_TANK]) == 0:
        k = 1
    if int(f[_F_FLOAT]):
        k = 1
    y[_Y_TANK] = k
    k = 0
    if int(core[_K_TRAY_IN]) and int(vessel[_V_TRAY]) < int(core_p[_KP_TRAY_FULL]):
        k = 1
    y[_Y_TRAY] = k
    y[_Y_CUP] = int(vessel[_V_CUP_THERE])
    y[_Y_DOOR] = int(core[_K_DOOR])
    k = 0
    if int(vessel[_V_HOPPER]) > 10000000:  # the last 10 g lie below the sensor
        k = 1
    y[_Y_HOPPER] = k
    k = 0
    if int(m[_M_STEAM][_B_WATER]) > int(core_p[_KP_PROBE]):
        k = 1
    if int(f[_F_PROBE]):
        k = int(f[_F_PROBE]) & 1
    y[_Y_STEAM_PROBE] = k


@micropython.viper
def tell(m):
    t = ptr32(m[_M_T])
    brew = m[_M_BREW]
    steam = m[_M_STEAM]
    group = m[_M_GROUP]
    hydro = m[_M_HYDRO]
    bed = m[_M_PUCK]
    vessel = m[_M_VESSEL]
    core = m[_M_CORE]
    t[_T_TEMP_BREW_MC] = int(brew[_B_TEMP]) // 1000
    t[_T_TEMP_GROUP_INLET_MC] = int(group[_G_INLET]) // 1000
    t[_T_TEMP_GROUP_MC] = int(group[_G_METAL]) // 1000
    t[_T_TEMP_STEAM_MC] = int(steam[_B_TEMP]) // 1000
    t[_T_ELEMENT_BREW_W] = int(brew[_B_HEAT]) // 1000
    t[_T_ELEMENT_STEAM_W] = int(steam[_B_HEAT]) // 1000
    t[_T_HEATER_W] = int(core[_K_DRAWN_MW]) // 1000
    t[_T_PRESSURE_MBAR] = int(hydro[_H_BOILER_UBAR]) // 1000
    t[_T_PRESSURE_GROUP_MBAR] = int(hydro[_H_GROUP_UBAR]) // 1000
    t[_T_PRESSURE_STEAM_MBAR] = int(steam[_B_PRESSURE])
    t[_T_FLOW_PUMP_UL_S] = int(hydro[_H_INTAKE]) // 10
    t[_T_FLOW_PUCK_UL_S] = int(hydro[_H_TO_PUCK]) // 10
    t[_T_FLOW_CUP_UL_S] = int(vessel[_V_FALL]) // 10
    t[_T_PUMPED_UL] = int(core[_K_PUMPED]) // 1000
    t[_T_CUP_UL] = int(vessel[_V_CUP_NL]) // 1000
    t[_T_CUP_MG] = int(vessel[_V_CUP_UG]) // 1000
    t[_T_TRAY_UL] = int(vessel[_V_TRAY]) // 1000
    t[_T_TANK_UL] = int(vessel[_V_TANK]) // 1000
    t[_T_PUCK_UL] = int(bed[_P_ABSORBED]) // 1000
    t[_T_HEADSPACE_UL] = int(hydro[_H_GROUP_NL]) // 1000
    t[_T_PUCK_MBAR_S_ML] = int(bed[_P_RESISTANCE])
    t[_T_PUCK_KIND] = int(bed[_P_KIND])
    t[_T_DOSE_MG] = int(bed[_P_DOSE]) // 1000
    t[_T_HOPPER_MG] = int(vessel[_V_HOPPER]) // 1000
    t[_T_STEAM_WATER_UL] = int(steam[_B_WATER]) // 1000
    t[_T_ENERGY_J] = (int(brew[_B_DRAWN]) + int(steam[_B_DRAWN])) // 1000000
    t[_T_MAINS_PERMILLE] = int(core[_K_MAINS_PPM]) // 1000
    t[_T_PUCKS] = int(core[_K_PUCKS])
    t[_T_DISCARDED_UL] = int(core[_K_DISCARDED]) // 1000
    t[_T_VAPOUR_UL] = int(steam[_B_GONE]) // 1000


@micropython.viper
def tenth(m):
    # ten times a second: mains' wander, slow noise of the sensors, a value of the load cell
    core = m[_M_CORE]
    core_p = ptr32(m[_M_CORE_P])
    streams = m[_M_STREAMS]
    vessel = m[_M_VESSEL]
    f = m[_M_FAULTS]
    y = ptr32(m[_M_Y])
    # Ornstein-Uhlenbeck, 20 s: sigma sqrt(2 * 0.1 / 20) = sigma / 10 a step
    w = int(core[_K_WANDER])
    n = int(normal(streams, _R_MAINS))
    core[_K_WANDER] = w - w // 200 + (n * int(core_p[_KP_WANDER_PPM])) // 10240
    channels = m[_M_CHANNELS]
    i = 0
    while i < 4:
        # the same with 3 s: sigma sqrt(2 * 0.1 / 3) = sigma * 264/1024 a step
        c = channels[i]
        w = int(c[_C_SLOW_FINE])
        n = int(normal(streams, _R_SLOW))
        w += (n * int(core_p[_KP_SLOW_NOISE]) * 264) // 1048576 - w // 30
        c[_C_SLOW_FINE] = w
        c[_C_SLOW] = w // 256
        i += 1
    if int(core_p[_KP_INSTRUMENTS]):
        n = int(core_p[_KP_SCALE_NOISE])
        n += (int(core_p[_KP_SCALE_SHAKE]) * int(m[_M_HYDRO][_H_SPEED])) >> 24
        w = int(vessel[_V_CELL]) + (n * int(normal(streams, _R_SCALE))) // 1024
        if int(f[_F_SCALE_STUCK]) == 0:
            w = (w * int(core_p[_KP_SCALE_COUNTS])) // 1000000000
            core[_K_COUNTS] = w + int(core_p[_KP_SCALE_ZERO])
        y[_Y_SCALE_COUNTS] = int(core[_K_COUNTS])
        k = 1
        if int(f[_F_SCALE_SILENT]):
            k = 0
        y[_Y_SCALE_READY] = k
