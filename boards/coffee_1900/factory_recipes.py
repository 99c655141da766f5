# What a new Coffee 1900 brews. Volumes are what comes into the cup.
RECIPES = {
    "0": {"name": "Espresso", "temp_mc": 93000, "volume_ul": 40000, "preinfusion_ms": 3000,
          "soak_ms": 2000},
    "1": {"name": "Double espresso", "temp_mc": 93000, "volume_ul": 60000, "preinfusion_ms": 4000,
          "soak_ms": 2000},
    "2": {"name": "Lungo", "temp_mc": 92000, "volume_ul": 110000, "preinfusion_ms": 3000},
}
