# Coffee 2900 as data: pins, calibration, limits. Nothing outside boards/ knows a pin or a model.
# Every switch closes to ground when its statement is true (water present, cup present, button
# pressed), so a broken wire reads as the safe answer. Units stand in the names.
MODEL = "2900"
HARDWARE = "coffee-2900/pico-2-w"

# --- outputs (GPIO numbers; None: not fitted). All are active high and low at rest.
HEATER_BREW = 2
HEATER_STEAM = 3
PUMP = 4
PUMP_PWM_HZ = 20000
VALVE_BREW = 5  # 3-way: open feeds the group, closed dumps it to the tray
VALVE_STEAM = 6
VALVE_WATER = 7
VALVE_REFILL = 0  # the probe needs a valve to act on: added here (docs/decisions.md)
GRINDER = 8
SAFETY_RELAY = 9  # contactor in series with all heaters
LED = "LED"
UART = None  # every pin a UART could use is taken: a serial line goes over USB

# --- inputs
FLOWMETER = 10
FLOW_UL_PULSE = 500
HX711_DOUT = 11
HX711_SCK = 12
TANK = 13
TRAY = 14
CUP = 15
BTN_BREW = 16
BTN_WATER = 17
BTN_STEAM = 18
KEY_REMOTE = 19
DOOR = 20
HOPPER = 21
STEAM_PROBE = 1
ADC_MUX = 22  # the Pico has three ADC pins, this machine four signals: an analogue switch on GP28

# --- analogue channels: (GPIO, level of ADC_MUX that selects it or None)
ADC_BREW = (26, None)
ADC_STEAM = (28, 0)
ADC_GROUP = (28, 1)
ADC_PRESSURE = (27, None)

# --- sensors. PT1000 + amplifier: linear, (kind, mc at 0 V, mc at 3.3 V).
BREW_SENSOR = ("pt1000", 0, 165000)
STEAM_SENSOR = ("pt1000", 0, 165000)
GROUP_SENSOR = ("ntc", 50000, 3950, 4700)  # R25 ohm, B25 K, divider ohm
# transducer 0-16 bar = 0.5-4.5 V through a 2:3 divider (x 2/3): mV at the pin for 0 and 16 bar
PRESSURE_SENSOR = (333, 3000, 16000)  # mV at 0 bar, mV at full scale, full scale mbar
SCALE_COUNTS_G = 420  # HX711 counts per gram (1 kg cell, gain 128)

# --- boilers: what the controller may know of the nominal plant (machines.md)
#     power_w, capacity_j_k, loss_mw_k, element_lag_ms, sensor_lag_ms
BREW_BOILER = (1400, 3000, 1500, 6000, 1500)
STEAM_BOILER = (1500, 5200, 2500, 6000, 1500)
POWER_BUDGET_W = 2300
INLET_MC = 20000
AMBIENT_MC = 22000

# --- pump: flow = duty x free - free x pressure / stall (for feed-forward)
PUMP_FREE_UL_S = 10000
VOLUMETRIC_PHASE = {"pressure_mbar": 9000, "ramp_ms": 2000, "limit_flow_ul_s": 4000}
HOT_WATER_PERMILLE = 0  # the steam boiler presses it out
REFILL_PERMILLE = 500
COMPLIANCE = (400, 3000)  # elastic parts ul/bar, air trapped above the puck ul
PUMP_LAG_MS = 60
PUMP_STALL_MBAR = 48000  # gears slip 2.5 ml/s at 12 bar: at 48 bar all of it would slip back

# --- set-points and limits
BREW_DEFAULT_MC = 93000
BREW_RANGE_MC = (80000, 98000)
STEAM_DEFAULT_MC = 123000  # saturation at 1.2 bar gauge
STEAM_RANGE_MC = (110000, 135000)
BREW_LIMIT_MC = 130000
STEAM_LIMIT_MC = 150000
PRESSURE_LIMIT_MBAR = 13500
# What stays in headspace and puck of an 18 g dose, ul (stop by volume; the scale knows better);
# no finer signs are used: docs/control.md
PUCK_KEEPS = (29600, 0, 0, 0, 0, 0)
TAIL_MS = 20  # water that still passes the meter once the stop is decided, as time at its flow
DRIP_MS = 1290  # what still drips into the cup after the stop, as time at the last flow
SHOT_LIMIT_MS = 90000
SHOT_LIMIT_UL = 300000
DRY_PUMP_MS = 4000
VOLUME_RANGE_UL = (5000, 180000)  # more takes longer than SHOT_LIMIT_MS
PRESSURE_RANGE_MBAR = (0, 11000)
FLOW_RANGE_UL_S = (0, 8000)
WEIGHT_RANGE_MG = (5000, 250000)
PHASES_MAX = 12

# --- cleaning programmes in the order of live.CLEAN_NAMES, None: not offered. Each: heat on or
#     off, repeats, steps of (outputs, pump permille, ms). The pump rests before DRY_PUMP_MS is
#     over: a blind basket lets nothing through.
CLEAN_PROGRAMMES = (
    (True, 10, (("brew", 1000, 3500), ("", 0, 4000))),
    (True, 3, (("steam", 0, 3000), ("", 0, 2000))),
    (False, 12, (("brew", 600, 6000), ("", 0, 51000))),
)

# --- what this board leaves to the application. The RP2350 has 520 KB; the image is kept small
#     enough for an RP2040 (same pin-out), so the smaller board's figure is the cap.
HEAP_BYTES = 180 * 1024

CAPABILITIES = (
    "brew", "hot_water", "clean", "preinfusion", "volumetric",
    "steam", "profile", "weight", "grinder", "descale",
)
