# The physical Coffee 1900 as the simulator knows it. The firmware never reads this file: what a
# controller may know stands in board.py. All figures are ints with their unit in the name.
# "typical": of published home espresso hardware; figures without a source are choices.
PLANT = {
    # --- brew boiler (machines.md)
    "brew_power_w": 1300,
    "brew_capacity_j_k": 1900,  # 0.30 l water 1254 J/K + about 1.7 kg brass
    "brew_loss_mw_k": 1200,
    "brew_element_lag_ms": 6000,
    "brew_sensor_lag_ms": 1500,
    "brew_sensor": ("ntc", 50000, 3950, 4700),
    "has_relay": 0,  # contactor in series with all heaters
    # --- steam boiler: not fitted; figures keep the arithmetic defined
    "has_steam": 0,
    "steam_power_w": 0,
    "steam_capacity_j_k": 1000,
    "steam_loss_mw_k": 0,
    "steam_element_lag_ms": 6000,
    "steam_sensor_lag_ms": 1500,
    "steam_fill_ml": 0,
    "steam_rate_mg_s_bar": 0,
    "hot_water_ul_s_bar": 0,
    "probe_ml": 0,
    "steam_sensor": None,
    # --- group: flanged to the boiler, 58 mm
    "group_pipe_lag_ms": 500,  # about 1 ml of passage at 2 ml/s
    "group_idle_lag_ms": 120000,
    "group_flow_lag_ms": 12000,
    "group_drop_permille": 60,  # a flanged group rests some 4 K below its boiler
    "group_sensor": None,
    # --- vibration pump: 10.8 ml/s free, 15 bar stall (machines.md); 48 W type, its data sheet's
    #     curve sags below the straight line by some 0.4 ml/s at half pressure
    "pump_free_ul_s": 10800,
    "pump_stall_mbar": 15000,
    "pump_bend_permille": 150,
    "pump_sag_permille": 1000,
    "pump_leak_permille": 0,
    "pump_lag_ms": 20,  # one stroke of the 50 Hz mains
    "pump_on_mains": 1,  # stroke and thrust follow the voltage
    # --- relief valve back to the pump's inlet: usual at 9...10 bar beside such a pump
    "relief_mbar": 9000,
    "relief_mbar_s_ml": 150,
    # --- passages: brew valve and pipe (0.1 bar at 2 ml/s), 3-way drain, hand tap for hot water
    "valve_mbar_s_ml": 50,
    "drain_mbar_s_ml": 40,
    "drain_gravity_ul_s": 3000,
    "refill_mbar_s_ml": 0,
    "tap_mbar_s_ml": 400,
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
    "dose_mg": 16000,
    "dose_sigma_permille": 20,  # scooped and weighed by hand
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
    "tray_full_ml": 700,
    "drain_weighed_permille": 0,
    "tank_ml": 1800,
    "tank_low_ml": 150,
    "flowmeter_ul_pulse": 500,  # machines.md
    "flowmeter_jitter_ul": 15,  # 3 % of a pulse: magnets of the wheel are not alike
    # --- scale, grinder: not fitted
    "scale_counts_g": 0,
    "scale_zero_counts": 0,
    "scale_lag_ms": 200,
    "scale_noise_mg": 0,
    "scale_shake_mg": 0,
    "grinder_mg_s": 0,
    "grinder_sigma_permille": 0,
    "hopper_g": 0,
    # --- converter: RP2040 data sheet, 8.7 effective bits and 12 written: about 2 codes of noise
    "adc_noise_permille": 2000,  # sigma, thousandths of a 12-bit code
    "adc_slow_permille": 500,  # the part that averaging does not take away, 3 s
    "pressure_sensor": None,
    "pressure_ripple_mbar": 0,
    # --- the room
    "ambient_mc": 22000,
    "inlet_mc": 20000,
    "mains_wander_permille": 5,  # EN 50160 allows 100; this is the restlessness beside set-points
    "barista_ms": 8000,  # after the shot the puck is knocked out and the cup emptied
}
