# boards: coffee_2900
# Recipes to words, and the swap under a tick's nose.
import plan
from plan import ABSENT, HEAD, PHASE

PROFILE = {
    "name": "p", "temp_mc": 93000, "dose_ms": 9000, "stop": {"weight_mg": 36000},
    "phases": [
        {"name": "Preinfusion", "flow_ul_s": 4000, "limit_pressure_mbar": 3000,
         "exit": {"pressure_over_mbar": 2500, "time_ms": 8000}},
        {"name": "hold", "pressure_mbar": 9000, "ramp_ms": 2000, "limit_flow_ul_s": 3000,
         "exit": {"flow_under_ul_s": 700}},
    ],
}


def _phase(w, n, word):
    return w[HEAD + n * PHASE + word]


def test_profile():
    p = plan.Plan()
    assert not p.loaded
    p.load(PROFILE, 0, 7)
    w = p.words()
    assert p.loaded and w[plan.SLOT] == 0 and w[plan.REV] == 7
    assert w[plan.TEMP_MC] == 93000 and w[plan.DOSE_MS] == 9000 and w[plan.PHASES] == 2
    assert w[plan.STOP_MG] == 36000 and w[plan.STOP_UL] == ABSENT and w[plan.STOP_MS] == ABSENT
    assert _phase(w, 0, plan.MODE) == plan.MODE_FLOW and _phase(w, 0, plan.TARGET) == 4000
    assert _phase(w, 0, plan.LIMIT) == 3000 and _phase(w, 0, plan.PRE) == 1
    assert _phase(w, 0, plan.X_OVER_MBAR) == 2500 and _phase(w, 0, plan.X_MS) == 8000
    assert _phase(w, 0, plan.X_UNDER_UL_S) == 0  # absent: nothing is under it
    assert _phase(w, 1, plan.MODE) == plan.MODE_PRESSURE and _phase(w, 1, plan.RAMP_MS) == 2000
    assert _phase(w, 1, plan.PRE) == 0 and _phase(w, 1, plan.X_UNDER_UL_S) == 700


def test_volumetric_with_preinfusion_and_soak_makes_three_phases():
    p = plan.Plan()
    p.load({"name": "v", "temp_mc": 92000, "volume_ul": 36000, "preinfusion_ms": 3000,
            "soak_ms": 4000})
    w = p.words()
    assert w[plan.STOP_UL] == 36000 and w[plan.PHASES] == 3
    assert [_phase(w, n, plan.PRE) for n in range(3)] == [1, 1, 0]
    assert _phase(w, 1, plan.TARGET) == 0 and _phase(w, 1, plan.X_MS) == 4000
    assert _phase(w, 2, plan.X_MS) == ABSENT


def test_preinfusion_by_volume():
    p = plan.Plan()
    p.load({"name": "v", "temp_mc": 92000, "volume_ul": 36000, "preinfusion_ul": 5000})
    assert _phase(p.words(), 0, plan.X_UL) == 5000


def test_a_load_does_not_touch_the_words_in_force():
    p = plan.Plan()
    p.load(PROFILE)
    old = p.words()
    before = list(old)
    p.load({"name": "v", "temp_mc": 90000, "volume_ul": 30000})
    assert list(old) == before and p.words() is not old and p.words()[plan.TEMP_MC] == 90000


def test_only_leading_phases_are_preinfusion():
    p = plan.Plan()
    phases = [dict(PROFILE["phases"][0], name=n) for n in ("bloom", "rise", "soak")]
    p.load(dict(PROFILE, phases=phases))
    assert [_phase(p.words(), n, plan.PRE) for n in range(3)] == [1, 0, 0]
