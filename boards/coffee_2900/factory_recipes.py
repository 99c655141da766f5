# What a new Coffee 2900 brews. Volumes and weights are what comes into the cup.
# The shapes are the common ones: 9 bar after a gentle fill, a falling lever, an even flow.
# The last is volumetric, and such recipes grind nothing.
RECIPES = {
    "0": {
        "name": "Espresso", "temp_mc": 93000, "dose_ms": 6000,
        "stop": {"weight_mg": 36000, "volume_ul": 90000, "time_ms": 60000},
        "phases": [
            {"name": "fill", "flow_ul_s": 4000, "limit_pressure_mbar": 3000,
             "exit": {"pressure_over_mbar": 2500, "time_ms": 10000}},
            {"name": "soak", "pressure_mbar": 2500, "exit": {"time_ms": 4000}},
            {"name": "brew", "pressure_mbar": 9000, "ramp_ms": 2000, "limit_flow_ul_s": 4000,
             "exit": {"time_ms": 45000}},
        ],
    },
    "1": {
        "name": "Lever", "temp_mc": 92000, "dose_ms": 6000,
        "stop": {"weight_mg": 38000, "volume_ul": 90000, "time_ms": 60000},
        "phases": [
            {"name": "fill", "flow_ul_s": 4000, "limit_pressure_mbar": 3000,
             "exit": {"pressure_over_mbar": 2500, "time_ms": 10000}},
            {"name": "rise", "pressure_mbar": 8500, "ramp_ms": 1500, "exit": {"time_ms": 8000}},
            {"name": "decline", "pressure_mbar": 5000, "ramp_ms": 25000,
             "exit": {"time_ms": 40000}},
        ],
    },
    "2": {
        "name": "Even flow", "temp_mc": 93000, "dose_ms": 6000,
        "stop": {"weight_mg": 40000, "volume_ul": 95000, "time_ms": 70000},
        "phases": [
            {"name": "fill", "flow_ul_s": 3000, "limit_pressure_mbar": 3000,
             "exit": {"pressure_over_mbar": 2000, "time_ms": 12000}},
            {"name": "brew", "flow_ul_s": 2000, "limit_pressure_mbar": 9500,
             "exit": {"time_ms": 60000}},
        ],
    },
    "3": {"name": "Lungo, ground coffee", "temp_mc": 92000, "volume_ul": 110000,
          "preinfusion_ms": 4000},
}
