# The rooms of one plant and the words of the core, the room of what belongs to no other.
# Plant.rooms is a list of lists, so that one step can be handed everything without allocating.

# --- places in Plant.rooms; _P: parameters, set by the machine's figures and their errors
ROOMS = (
    "u",
    "y",
    "t",
    "brew",
    "brew_p",
    "steam",
    "steam_p",
    "group",
    "group_p",
    "hydro",
    "hydro_p",
    "puck",
    "puck_p",
    "vessel",
    "vessel_p",
    "faults",
    "channels",
    "tables",
    "streams",
    "core",
    "core_p",
    "draw",
    "saturation",
)
(
    U, Y, T, BREW, BREW_P, STEAM, STEAM_P, GROUP, GROUP_P, HYDRO, HYDRO_P, PUCK, PUCK_P,
    VESSEL, VESSEL_P, FAULTS, CHANNELS, TABLES, STREAMS, CORE, CORE_P, DRAW, SATURATION,
) = range(23)

# --- words of the core
CORE_STATE = (
    "steps",
    "wander",  # of the mains, ppm
    "pumped",  # nl
    "discarded",  # nl
    "pucks",
    "shut",  # steps since the brew valve closed
    "tap",
    "barista",
    "door",
    "tray_in",
    "counts",  # of the load cell
    "grinding",
    "hand_puck",  # kind the person puts in
    "hand_dose",  # mg the person puts in, 0: nominal with chance
    "grind",  # fineness, permille
    "grain",  # resistance, 1024000 = 1
    "thirst",  # water it takes up, 1024000 = 1
    "room_over",  # headspace, 1024 = 1 ul
    "drawn_mw",  # by the elements in this half-cycle
    "mains_ppm",
    "hand",  # 1: the person holds the tap open
)
(
    STEPS, WANDER, PUMPED, DISCARDED, PUCKS, SHUT, TAP, BARISTA, DOOR, TRAY_IN, COUNTS,
    GRINDING, HAND_PUCK, HAND_DOSE, GRIND, GRAIN, THIRST, ROOM_OVER, DRAWN_MW, MAINS_PPM,
    HAND,
) = range(21)

# --- parameters of the core
CORE_PARAMETERS = (
    "stall",  # ubar
    "free",  # ul/s
    "pump_on_mains",
    "tank_low",  # nl at which the float falls
    "tray_full",  # nl
    "probe",  # nl of the steam boiler at which the probe is bare
    "wander_ppm",
    "patience",  # of the person after a shot, s/10
    "ripple",  # of the pressure at full pump speed, sixteenths of a code
    "scale_counts",  # counts per kg
    "scale_noise",  # ug
    "scale_shake",  # ug more while the pump runs
    "scale_zero",  # counts
    "has_steam",
    "slow_noise",  # sixteenths of a code x 256
    "instruments",  # group sensor, transducer or scale are fitted
)

(
    STALL, FREE, PUMP_ON_MAINS, TANK_LOW, TRAY_FULL, PROBE, WANDER_PPM, PATIENCE, RIPPLE,
    SCALE_COUNTS, SCALE_NOISE, SCALE_SHAKE, SCALE_ZERO, HAS_STEAM, SLOW_NOISE, INSTRUMENTS,
) = range(16)

# --- random streams: places in rooms[STREAMS]
STREAM_NAMES = ("mains", "meter", "scale", "puck", "slow")
R_MAINS, R_METER, R_SCALE, R_PUCK, R_SLOW = range(5)

# --- what the steam boiler is told
DRAW_WORDS = ("power", "valves", "refill")  # mW; bit 0 steam, bit 1 hot water; nl
