# The physical Coffee 2900 as the simulator knows it. The firmware never reads this file: what a
# controller may know stands in board.py. All figures are ints with their unit in the name.
# "typical": of published home espresso hardware; figures without a source are choices.
PLANT = {
    # --- brew boiler (machines.md)
    "brew_power_w": 1400,
    "brew_capacity_j_k": 3000,  # 0.50 l water 2089 J/K + about 1.8 kg steel
    "brew_loss_mw_k": 1500,
    "brew_element_lag_ms": 6000,
    "brew_sensor_lag_ms": 1500,
    "brew_sensor": ("pt1000", 0, 165000),
    "has_relay": 1,  # contactor in series with all heaters
    # --- steam boiler (machines.md): 1.0 l, filled to 0.65 l
    "has_steam": 1,
    "steam_power_w": 1500,
    "steam_capacity_j_k": 5200,  # 0.65 l water 2716 J/K + steel
    "steam_loss_mw_k": 2500,
    "steam_element_lag_ms": 6000,
    "steam_sensor_lag_ms": 1500,
    "steam_fill_ml": 650,
    "steam_rate_mg_s_bar": 900,  # about 1.1 g/s at 1.2 bar: a wand of one or two holes
    "hot_water_ul_s_bar": 6000,  # about 7 ml/s at 1.2 bar
    "probe_ml": 600,
    "steam_sensor": ("pt1000", 0, 165000),
    # --- group
    "group_pipe_lag_ms": 500,  # about 1 ml of passage at 2 ml/s
    "group_idle_lag_ms": 120000,
    "group_flow_lag_ms": 12000,
    "group_drop_permille": 40,
    "group_sensor": ("ntc", 50000, 3950, 4700),
    # --- gear pump, PWM: 0-12 bar (machines.md); flow = speed x 10 ml/s less what slips back
    #     through the gears, a quarter of it at 12 bar, where the pump's bypass ends the range
    "pump_free_ul_s": 10000,
    "pump_stall_mbar": 12000,  # only scales the slip
    "pump_bend_permille": 0,
    "pump_sag_permille": 0,
    "pump_leak_permille": 250,
    "pump_lag_ms": 60,  # motor and gears
    "pump_on_mains": 0,  # fed by a regulated 24 V supply
    # --- bypass of the pump: ends the range at 12 bar
    "relief_mbar": 11700,
    "relief_mbar_s_ml": 50,
    # --- passages
    "valve_mbar_s_ml": 50,
    "drain_mbar_s_ml": 40,
    "drain_gravity_ul_s": 3000,
    "refill_mbar_s_ml": 600,
    "tap_mbar_s_ml": 0,
    "seep_mbar_s_ml": 200000,  # check valve: trapped pressure fades in half a minute
    # --- compliance: 3 ml air above the puck give 3 ml/bar at 0 bar and 0.03 at 9 (Boyle)
    "boiler_compliance_ul_bar": 150,
    "hose_compliance_ul_bar": 250,  # hoses, gasket, puck
    "trapped_air_ul": 3000,
    "headspace_ul": 4000,  # 1.5 mm over a 58 mm puck
    "headspace_sigma_ul": 300,
    "headspace_residue_ul": 1500,
    # --- puck: 4.5 bar s/ml when dry-ish (machines.md), then wetter, then eroded
    "puck_mbar_s_ml": 4500,
    "puck_wetting_permille": 100,
    "puck_erosion_permille": 200,
    "puck_erosion_ul": 25000,
    "puck_compaction_permille": 150,  # tighter at 9 bar than at 4.5 by 7 %
    "puck_suction_ul_s": 1000,
    "puck_breakthrough_permille": 700,
    "puck_wash_ul": 30000,
    "puck_water_ul_g": 1100,  # a spent puck holds about its dose in water
    "puck_water_sigma_permille": 40,
    "puck_volume_ul_g": 2400,  # ground coffee in the basket, tamped, 0.42 g/ml
    "basket_mbar_s_ml": 30,
    "dose_mg": 18000,
    "dose_sigma_permille": 15,
    "grind_sigma_permille": 120,  # a grinder drifts by a step or so from shot to shot
    "channel_permille": 150,  # of the pucks open a channel
    "channel_depth_permille": 200,
    "soluble_permille": 220,  # of the dose can be dissolved
    # --- below: spout, cup, tray, tank
    "spout_lag_ms": 600,
    "cling_lag_ms": 3500,
    "cling_share_permille": 120,
    "cup_ml": 180,
    "cup_tare_mg": 180000,
    "tray_full_ml": 900,
    # the load cell carries the cup's grid; the drain's hose ends in the basin below it. 1000: the
    # basin hangs on the cell as well
    "drain_weighed_permille": 0,
    "tank_ml": 2500,
    "tank_low_ml": 200,
    "flowmeter_ul_pulse": 500,  # machines.md
    "flowmeter_jitter_ul": 15,  # 3 % of a pulse: magnets of the wheel are not alike
    # --- scale: HX711 at 10 Hz, 1 kg cell; its data sheet settles in 400 ms, a lag of 200 ms
    "scale_counts_g": 420,
    "scale_zero_counts": 31250,
    "scale_lag_ms": 200,
    "scale_noise_mg": 40,
    "scale_shake_mg": 60,  # more while the pump runs
    # --- grinder: 50 mm flat burrs, typical
    "grinder_mg_s": 1800,
    "grinder_sigma_permille": 25,
    "hopper_g": 250,
    # --- converter: RP2350 data sheet, 9.2 effective bits; the amplifiers add theirs
    "adc_noise_permille": 2000,  # sigma, thousandths of a 12-bit code
    "adc_slow_permille": 500,  # the part that averaging does not take away, 3 s
    "pressure_sensor": (333, 3000, 16000),  # mV at 0 bar, mV at full scale, mbar
    "pressure_ripple_mbar": 20,  # teeth of the gears at full speed
    # --- the room
    "ambient_mc": 22000,
    "inlet_mc": 20000,
    "mains_wander_permille": 5,  # EN 50160 allows 100; this is the restlessness beside set-points
    "barista_ms": 8000,  # after the shot the puck is knocked out and the cup emptied
}
