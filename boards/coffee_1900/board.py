# Coffee 1900 as data: pins, calibration, limits. Nothing outside boards/ knows a pin or a model.
# Every switch closes to ground when its statement is true (water present, cup present, button
# pressed), so a broken wire reads as the safe answer. Units stand in the names.
MODEL = "1900"
HARDWARE = "coffee-1900/pico-w"

# --- outputs (GPIO numbers; None: not fitted). All are active high and low at rest.
HEATER_BREW = 2
HEATER_STEAM = None
PUMP = 4
PUMP_PWM_HZ = 0  # 0: on/off through an SSR
VALVE_BREW = 5  # 3-way: open feeds the group, closed dumps it to the tray
VALVE_STEAM = None
VALVE_WATER = None
VALVE_REFILL = None
GRINDER = None
SAFETY_RELAY = None  # contactor in series with all heaters
LED = "LED"
UART = (0, 0, 1)  # serial line to a gateway: number, TX, RX; None: no pins to spare, USB only

# --- inputs
FLOWMETER = 10
FLOW_UL_PULSE = 500
HX711_DOUT = None
HX711_SCK = None
TANK = 13
TRAY = 14
CUP = 15
BTN_BREW = 16
BTN_WATER = 17
BTN_STEAM = None
KEY_REMOTE = 19
DOOR = None
HOPPER = None
STEAM_PROBE = None
ADC_MUX = None

# --- analogue channels: (GPIO, level of ADC_MUX that selects it or None)
ADC_BREW = (26, None)
ADC_STEAM = None
ADC_GROUP = None
ADC_PRESSURE = None

# --- sensors. NTC: divider, NTC to 3.3 V, r_ohm to ground, beta equation.
BREW_SENSOR = ("ntc", 50000, 3950, 4700)  # R25 ohm, B25 K, divider ohm
STEAM_SENSOR = None
GROUP_SENSOR = None
PRESSURE_SENSOR = None
SCALE_COUNTS_G = 0

# --- boilers: what the controller may know of the nominal plant (machines.md)
#     power_w, capacity_j_k, loss_mw_k, element_lag_ms, sensor_lag_ms
BREW_BOILER = (1300, 1900, 1200, 6000, 1500)
STEAM_BOILER = None
POWER_BUDGET_W = 2300
INLET_MC = 20000  # water from the tank, nominal
AMBIENT_MC = 22000

# --- pump: free flow, stall pressure (for feed-forward and plausibility)
PUMP_FREE_UL_S = 10800
# what a volumetric recipe does with the pump: all of it, but no more than this flow, beginning
# with half of it, so that the headspace does not fill with more cold water than the element can
# heat (docs/control.md)
VOLUMETRIC_PHASE = {"power_permille": 1000, "limit_flow_ul_s": 2200, "ramp_ms": 5000}
HOT_WATER_PERMILLE = 1000
REFILL_PERMILLE = None
COMPLIANCE = (400, 3000)  # elastic parts ul/bar, air trapped above the puck ul
PUMP_LAG_MS = 20
PUMP_STALL_MBAR = 15000

# --- set-points and limits
BREW_DEFAULT_MC = 93000
BREW_RANGE_MC = (80000, 98000)
STEAM_DEFAULT_MC = None
STEAM_RANGE_MC = None
BREW_LIMIT_MC = 130000
STEAM_LIMIT_MC = None
PRESSURE_LIMIT_MBAR = None
# What stays in headspace and puck of a 16 g dose, ul; then how this puck shows itself: ul until
# the pump feels a wall (nominal, permille of the difference), share of the pump's cycles at 50 ml
# (nominal permille, ul for 1000 of the difference), and the share above which the relief valve
# opens and more of the pump's work tells nothing (2.2 ml/s at 9 bar: 560).
# Regression over 600 simulated pucks; on a real machine: docs/control.md
PUCK_KEEPS = (26970, 13940, 440, 497, 6510, 600)
TAIL_MS = 20  # water that still passes the meter once the stop is decided, as time at its flow
DRIP_MS = 1150  # what still drips into the cup after the stop, as time at the last flow
SHOT_LIMIT_MS = 90000
SHOT_LIMIT_UL = 300000
DRY_PUMP_MS = 4000
VOLUME_RANGE_UL = (5000, 160000)  # more takes longer than SHOT_LIMIT_MS
PRESSURE_RANGE_MBAR = None
FLOW_RANGE_UL_S = None
WEIGHT_RANGE_MG = None
PHASES_MAX = 0  # 0: volumetric machine, no profiles

# --- cleaning programmes in the order of live.CLEAN_NAMES, None: not offered. Each: heat on or
#     off, repeats, steps of (outputs, pump permille, ms). The pump rests before DRY_PUMP_MS is
#     over: a blind basket lets nothing through.
CLEAN_PROGRAMMES = (
    (True, 10, (("brew", 1000, 3500), ("", 0, 4000))),
    None,
    None,
)

# --- what this board leaves to the application: RP2040 264 KB RAM less the MicroPython and
#     cyw43/lwIP static data and stacks; gc.mem_free() of a Pico W after boot is about 180 KB.
HEAP_BYTES = 180 * 1024

CAPABILITIES = ("brew", "hot_water", "clean", "preinfusion", "volumetric")
