# Water under pressure: pump, relief valve, boiler as a stiff vessel, brew valve, headspace over
# the puck, drain. Volumes in nl, pressures in ubar, flows in ul/s (= nl/ms), ten substeps of 1 ms.
# What the puck does with the water (puck.py) and where it falls (vessels.py) stand elsewhere.
import micropython
from micropython import const

_SUBSTEPS = const(10)
_ATMOSPHERE_UBAR = const(1013250)

# --- state
_BOILER_NL = const(0)  # water pressed into the boiler and hoses above their rest volume
_BOILER_UBAR = const(1)
_GROUP_NL = const(2)  # water above the puck: headspace and what its compliance takes
_GROUP_UBAR = const(3)
_SPEED = const(4)  # of the pump, 2**24 = full
# told before each step
_DRIVE = const(5)  # where the speed goes, 2**24 = full
_OPEN = const(6)  # brew valve
_REFILL_OPEN = const(7)
_STEAM_UBAR = const(8)
_CONDUCTANCE = const(9)  # of the puck: ul/s per ubar, 2**32 = 1
_SOAK = const(10)  # ul/s that the puck sucks in without pressure
_STALL_X = const(11)  # 2**46 / stall pressure in ubar, with this moment's mains
_FREE = const(12)  # free flow at full speed, ul/s, with this moment's mains
_TAP = const(13)  # 1: hot-water tap at the boiler is open
# answers of the step, nl
_INTAKE = const(14)  # out of the tank, net
_TO_PUCK = const(15)
_DRAINED = const(16)
_REFILLED = const(17)
_TAPPED = const(18)
HYDRAULIC_STATE = 19

# --- parameters
_BEND = const(0)  # of the pump curve, 65536 = 1
_LEAK = const(1)  # internal leak at stall pressure, ul/s
_SPIN = const(2)  # substep / motor lag, 65536 = 1
_RELIEF = const(3)  # ubar at which the relief valve opens
_RELIEF_G = const(4)  # its conductance, ul/s per ubar, 2**20 = 1
_VALVE_G = const(5)  # brew valve and pipe
_DRAIN_G = const(6)  # 3-way valve to the drain
_REFILL_G = const(7)
_TAP_G = const(8)
_BOILER_K = const(9)  # ubar per nl, 2**20 = 1
_AIR = const(10)  # trapped above the puck at rest, nl
_HOSE = const(11)  # elasticity of the group, nl/bar
_HEADSPACE = const(12)  # to be filled before pressure rises, nl
_SEEP = const(13)  # back through the pump at rest, ul/s per ubar, 2**32 = 1
_RESIDUE = const(14)  # water that stays on the puck after draining, nl
_GRAVITY = const(15)  # drain without pressure, ul/s
_SAG = const(16)  # share of the flow that back pressure takes from a stroke, 65536 = all
HYDRAULIC_PARAMETERS = 17

(
    BOILER_NL, BOILER_UBAR, GROUP_NL, GROUP_UBAR, SPEED, DRIVE, OPEN, REFILL_OPEN, STEAM_UBAR,
    CONDUCTANCE, SOAK, STALL_X, FREE, TAP, INTAKE, TO_PUCK, DRAINED, REFILLED, TAPPED,
) = range(19)
HEADSPACE, TAP_G = _HEADSPACE, _TAP_G


def _conductance(resistance_mbar_s_ml, bits=20):
    # mbar s/ml = ubar s/ul
    return (1 << bits) // resistance_mbar_s_ml if resistance_mbar_s_ml else 0


def hydraulic_parameters(get):
    """Parameter words from the machine's figures; get(key) applies the model error."""
    return [
        get("pump_bend_permille") * 65536 // 1000,
        get("pump_free_ul_s") * get("pump_leak_permille") // 1000,
        65536 // max(get("pump_lag_ms"), 1),
        get("relief_mbar") * 1000,
        _conductance(get("relief_mbar_s_ml")),
        _conductance(get("valve_mbar_s_ml")),
        _conductance(get("drain_mbar_s_ml")),
        _conductance(get("refill_mbar_s_ml")),
        _conductance(get("tap_mbar_s_ml")),
        (1 << 20) * 1000 // get("boiler_compliance_ul_bar"),
        get("trapped_air_ul") * 1000,
        get("hose_compliance_ul_bar") * 1000,
        get("headspace_ul") * 1000,
        _conductance(get("seep_mbar_s_ml"), 32),
        get("headspace_residue_ul") * 1000,
        get("drain_gravity_ul_s"),
        get("pump_sag_permille") * 65536 // 1000,
    ]


@micropython.viper
def flow_step(s, p: ptr32):
    """Ten substeps of 1 ms, explicit Euler on volumes (every nl is booked).

        pump     Q = n Q0 (1 - s ((1 + b) x - b x^2)) - leak x, x = P / P_stall, Q >= 0 (check
                 valve); n follows the drive with the motor's lag. Vibration pump s = 1, leak 0:
                 strokes shorten to nothing at stall, bent by b. Gear pump s = 0: speed sets the
                 flow, less what slips back through the gears
        relief   opens at its set pressure, back to the pump's inlet
        boiler   P = V / C_boiler
        valve    Q = (P_boiler - P_group) / R
        group    V - V_headspace = C_hose P + V_air P / (P + P_atm)
                 the second term: isothermal squeezing of trapped air (Boyle), which makes the
                 compliance a few ml/bar at low and some tenths at high pressure. Inverted by one
                 Newton step a substep, from the volume, so the error does not add up
        puck     Q = P_group / R_puck, or what a dry puck sucks in
        drain    3-way valve closed: Q = P_group / R_drain, then by gravity down to the residue
    Stiffest pair: valve 50 mbar s/ml on 0.15 ml/bar, 7.5 ms, 7 substeps.
    """
    vb = int(s[_BOILER_NL])
    pb = int(s[_BOILER_UBAR])
    vg = int(s[_GROUP_NL])
    pg = int(s[_GROUP_UBAR])
    n = int(s[_SPEED])
    drive = int(s[_DRIVE])
    is_open = int(s[_OPEN])
    refill_g = int(p[_REFILL_G]) * int(s[_REFILL_OPEN])
    steam = int(s[_STEAM_UBAR])
    puck_g = int(s[_CONDUCTANCE])
    soak = int(s[_SOAK])
    stall_x = int(s[_STALL_X])
    free = int(s[_FREE])
    tap_g = int(p[_TAP_G]) * int(s[_TAP])
    bend = int(p[_BEND])
    leak = int(p[_LEAK])
    spin = int(p[_SPIN])
    relief = int(p[_RELIEF])
    relief_g = int(p[_RELIEF_G])
    valve_g = int(p[_VALVE_G])
    drain_g = int(p[_DRAIN_G])
    boiler_k = int(p[_BOILER_K])
    air = int(p[_AIR])
    hose = int(p[_HOSE])
    headspace = int(p[_HEADSPACE])
    seep_g = int(p[_SEEP])
    residue = int(p[_RESIDUE])
    gravity = int(p[_GRAVITY])
    sag = int(p[_SAG])
    hose_k = (hose << 20) // 1000000
    air_bar = (air * 1000000) // 1013250
    # the check valve seeps: once a step, at least 1 nl, so that pressure does end
    intake = 0
    if pb > 1000:
        intake = 0 - 1 - ((pb * seep_g * 10) >> 32)
        vb += intake
    to_puck = 0
    drained = 0
    refilled = 0
    tapped = 0
    i = 0
    while i < 10:
        i += 1
        n += ((drive - n) * spin) >> 16
        x = (pb * stall_x) >> 30
        if x > 65536:
            x = 65536
        q = ((x * (65536 + bend)) >> 16) - ((bend * ((x * x) >> 16)) >> 16)
        q = 65536 - ((sag * q) >> 16)
        q = (((free * n) >> 24) * q) >> 16
        q -= (leak * ((pb * stall_x) >> 30)) >> 16
        if q < 0:
            q = 0
        if pb > relief:
            back = ((pb - relief) * relief_g) >> 20
            if back > q:
                back = q
            q -= back
        intake += q
        vb += q
        if refill_g:
            if pb > steam:
                q = ((pb - steam) * refill_g) >> 20
                vb -= q
                refilled += q
        if tap_g:
            q = (pb * tap_g) >> 20
            vb -= q
            tapped += q
        if is_open:
            q = ((pb - pg) * valve_g) >> 20
            vb -= q
            vg += q
        else:
            q = (pg * drain_g) >> 20
            if vg > residue:
                q += gravity
            if q > vg:
                q = vg
            vg -= q
            drained += q
        q = (pg * puck_g) >> 32
        if q < soak:
            q = soak
        if q > vg:
            q = vg
        if q > 0:
            vg -= q
            to_puck += q
        pb = (vb * boiler_k) >> 20
        x = vg - headspace
        if x <= 0:
            pg = 0
        else:
            # r = P_atm / (P + P_atm), 2**20 = 1: the air gives way by V_air (1 - r),
            # dV/dP = C_hose + V_air r^2 / P_atm
            r = (1013250 << 20) // (pg + 1013250)
            x -= ((pg * hose_k) >> 20) + ((air * (1048576 - r)) >> 20)
            q = hose + ((((air_bar * r) >> 20) * r) >> 20)
            pg += (x * 1000000) // q
            if pg < 0:
                pg = 0
    s[_BOILER_NL] = vb
    s[_BOILER_UBAR] = pb
    s[_GROUP_NL] = vg
    s[_GROUP_UBAR] = pg
    s[_SPEED] = n
    s[_INTAKE] = intake
    s[_TO_PUCK] = to_puck
    s[_DRAINED] = drained
    s[_REFILLED] = refilled
    s[_TAPPED] = tapped
