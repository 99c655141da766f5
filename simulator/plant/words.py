# Names and places of the words a plant shares with the outside: u (outputs of the controller),
# y (what its sensors feel), t (the truth, for people and tests; the firmware never sees it).
# Order is the wire order of the arrays. Rooms of the plant repeat the few indices they use as
# local constants, because MicroPython folds a const only in its own file; a test compares them.
U_NAMES = (
    "heater_brew",  # 0/1 during this half-cycle
    "heater_steam",
    "pump_permille",  # 0/1000 from an SSR, PWM duty else
    "valve_brew",  # 1: feeds the group, 0: the group is open to the drain
    "valve_steam",
    "valve_water",
    "valve_refill",
    "grinder",
    "safety_relay",  # 1: contactor closed (and where none is fitted)
    "mains_permille",  # of the nominal voltage
)
(
    U_HEATER_BREW, U_HEATER_STEAM, U_PUMP_PERMILLE, U_VALVE_BREW, U_VALVE_STEAM, U_VALVE_WATER,
    U_VALVE_REFILL, U_GRINDER, U_SAFETY_RELAY, U_MAINS_PERMILLE,
) = range(10)

Y_NAMES = (
    "adc_brew",  # 16 x the 12-bit code, before noise and quantisation
    "adc_steam",
    "adc_group",
    "adc_pressure",
    "pulses",  # of the flow meter in this step
    "scale_counts",  # HX711 counts, signed, renewed 10 times a second
    "scale_ready",  # 0: the converter is silent
    "tank",  # switches: 1 when the statement is true. Tank: water present
    "tray",  # in place and not full
    "cup",
    "door",  # closed
    "hopper",  # beans present
    "steam_probe",  # covered by water
)
(
    Y_ADC_BREW, Y_ADC_STEAM, Y_ADC_GROUP, Y_ADC_PRESSURE, Y_PULSES, Y_SCALE_COUNTS, Y_SCALE_READY,
    Y_TANK, Y_TRAY, Y_CUP, Y_DOOR, Y_HOPPER, Y_STEAM_PROBE,
) = range(13)

# channels of plant.adc()
ADC_BREW, ADC_STEAM, ADC_GROUP, ADC_PRESSURE = range(4)
CHANNELS = ("brew", "steam", "group", "pressure")

T_NAMES = (
    "temp_brew_mc",  # boiler water
    "temp_group_inlet_mc",  # water entering the group
    "temp_group_mc",  # metal of the group
    "temp_steam_mc",
    "element_brew_w",  # heat that reaches the water now
    "element_steam_w",
    "heater_w",  # both elements together, drawn from the mains in this half-cycle
    "pressure_mbar",  # pump side, where a transducer sits
    "pressure_group_mbar",  # above the puck
    "pressure_steam_mbar",  # gauge
    "flow_pump_ul_s",  # out of the tank, net of the relief valve
    "flow_puck_ul_s",  # into the puck
    "flow_cup_ul_s",  # falling from the spout
    "pumped_ul",  # since the plant began
    "cup_ul",  # water in the cup
    "cup_mg",  # beverage in the cup: water and what it dissolved
    "tray_ul",
    "tank_ul",
    "puck_ul",  # absorbed
    "headspace_ul",
    "puck_mbar_s_ml",  # resistance now
    "puck_kind",  # 0 coffee, 1 none, 2 blind
    "dose_mg",
    "hopper_mg",
    "steam_water_ul",
    "energy_j",  # drawn by both elements since the plant began
    "mains_permille",
    "pucks",  # how many so far
    "discarded_ul",  # knocked out with spent pucks and emptied cups
    "vapour_ul",  # left as steam or hot water
)
(
    T_TEMP_BREW_MC, T_TEMP_GROUP_INLET_MC, T_TEMP_GROUP_MC, T_TEMP_STEAM_MC, T_ELEMENT_BREW_W,
    T_ELEMENT_STEAM_W, T_HEATER_W, T_PRESSURE_MBAR, T_PRESSURE_GROUP_MBAR, T_PRESSURE_STEAM_MBAR,
    T_FLOW_PUMP_UL_S, T_FLOW_PUCK_UL_S, T_FLOW_CUP_UL_S, T_PUMPED_UL, T_CUP_UL, T_CUP_MG,
    T_TRAY_UL, T_TANK_UL, T_PUCK_UL, T_HEADSPACE_UL, T_PUCK_MBAR_S_ML, T_PUCK_KIND, T_DOSE_MG,
    T_HOPPER_MG, T_STEAM_WATER_UL, T_ENERGY_J, T_MAINS_PERMILLE, T_PUCKS, T_DISCARDED_UL,
    T_VAPOUR_UL,
) = range(30)

PUCK_COFFEE, PUCK_NONE, PUCK_BLIND = range(3)
