# boards: coffee_2900
# The exits of a phase: what ends it, and what must not.
from array import array

import board
import live as names
import plan
import thermal
from interlocks import SCALE_FAULT
from stops import GOES_ON, MS, PHASE_OVER, SHOT_MS, SHOT_OVER, Stops, charge_ms, expected_ul_s


def _asked(**more):
    live, p = names.Live(), plan.Plan()
    p.load(dict({"temp_mc": 93000, "volume_ul": 36000}, **more))
    heat = array("i", [0] * thermal.WORDS)
    stops = Stops(live, heat, board.BREW_BOILER)
    return live, p.words(), stops, heat


def test_a_volume_that_is_taken_back_ends_no_phase():
    # between two pulses the meter guesses; without the next pulse it takes the guess back
    _, words, stops, _ = _asked()
    stops.phase(words, plan.HEAD, 10000)
    stops.now[MS] = 2000
    assert stops.step(words, 9700, 0) == GOES_ON


def test_the_time_of_a_phase_ends_it():
    _, words, stops, _ = _asked(preinfusion_ms=3000)
    stops.phase(words, plan.HEAD, 0)
    stops.now[MS] = 2990
    assert stops.step(words, 0, 0) == GOES_ON
    stops.now[MS] = 3000
    assert stops.step(words, 0, 0) == PHASE_OVER


def test_a_volume_in_the_cup_ends_the_shot_as_much_earlier_as_the_tail_is_long():
    live, words, stops, _ = _asked()
    stops.phase(words, plan.HEAD, 0)
    live.flow_ul_s = 2000
    assert stops.step(words, 60000, 35800) == GOES_ON  # 100 ms to go
    assert stops.step(words, 60000, 35970) == SHOT_OVER
    live.flow_ul_s = 0
    assert stops.step(words, 60000, 35999) == GOES_ON  # no water comes, nothing is reached
    assert stops.step(words, 60000, 36000) == SHOT_OVER


def test_the_element_is_cut_off_before_the_end():
    live, words, stops, heat = _asked()
    stops.phase(words, plan.HEAD, 0)
    live.flow_ul_s = 2000
    stops.now[SHOT_MS] = 10000
    assert stops.step(words, 60000, 20000) == GOES_ON
    assert heat[thermal.AHEAD] == 2000
    assert stops.step(words, 60000, 31000) == GOES_ON  # 2.5 s to go
    assert heat[thermal.AHEAD] == 0


def test_the_cut_follows_the_lag_in_force_when_the_phase_begins():
    p = plan.Plan()
    p.load({"temp_mc": 93000, "volume_ul": 36000})
    words, live, heat = p.words(), names.Live(), array("i", [0] * thermal.WORDS)
    figures = array("i", board.BREW_BOILER)
    stops = Stops(live, heat, figures)
    live.flow_ul_s = 2000
    for lag_ms, ahead in ((6000, 2000), (9000, 0)):  # as an auto-tune found it; 4 s to go
        figures[3] = lag_ms
        stops.phase(words, plan.HEAD, 0)
        stops.now[SHOT_MS] = 10000
        assert stops.step(words, 60000, 28000) == GOES_ON
        assert heat[thermal.AHEAD] == ahead


def _first(phase):
    p = plan.Plan()
    p.load({"temp_mc": 93000, "stop": {"weight_mg": 36000}, "phases": [dict(phase, exit={})]})
    return p.words()


def test_what_a_phase_will_take_is_asked_for_or_a_pucks_usual_flow():
    for phase, ul_s in (
        ({"flow_ul_s": 3100}, 3100), ({"pressure_mbar": 9000}, 2000), ({"pressure_mbar": 0}, 0),
        ({"pressure_mbar": 9000, "limit_flow_ul_s": 1500}, 1500),
        ({"pressure_mbar": 9000, "limit_flow_ul_s": 3500}, 2000),
    ):
        assert expected_ul_s(_first(phase), plan.HEAD) == ul_s, phase


def test_the_charge_is_in_proportion_to_the_first_flow_to_the_lag_and_against_the_power():
    power_w, capacity, loss, lag_ms, sensor_ms = board.BREW_BOILER
    figures = array("i", board.BREW_BOILER)
    ms = lag_ms * 2000 // 5500 // 10 * 10
    assert charge_ms(_first({"flow_ul_s": 2000}), figures) == ms
    assert charge_ms(_first({"flow_ul_s": 8000}), figures) == ms
    assert charge_ms(_first({"flow_ul_s": 1000}), figures) == ms // 20 * 10
    assert charge_ms(_first({"pressure_mbar": 0}), figures) == 0
    figures[3] = lag_ms * 2
    assert abs(charge_ms(_first({"flow_ul_s": 2000}), figures) - 2 * ms) <= 10
    figures[0] = power_w // 2
    assert abs(charge_ms(_first({"flow_ul_s": 2000}), figures) - 4 * ms) <= 40
    soft = _first({"power_permille": 1000, "limit_flow_ul_s": 2200, "ramp_ms": 5000})
    assert charge_ms(soft, array("i", board.BREW_BOILER)) == lag_ms * 1100 // 5500 // 10 * 10


def test_the_first_four_seconds_go_by_what_was_expected():
    live, words, stops, heat = _asked()
    stops.phase(words, plan.HEAD, 0)
    for flow, known in ((1500, 1500), (9000, board.PUMP_FREE_UL_S >> 1)):
        live.flow_ul_s = flow
        for shot_ms, ahead in ((4000, 2000), (4010, known)):
            stops.now[SHOT_MS] = shot_ms
            stops.step(words, 0, 0)
            assert heat[thermal.AHEAD] == ahead, (flow, shot_ms)


def _by(exits, **live_words):
    live, p = names.Live(), plan.Plan()
    p.load({"temp_mc": 93000, "stop": {"time_ms": 90000}, "phases": [
        {"pressure_mbar": 9000, "exit": exits}, {"pressure_mbar": 6000, "exit": {}}]})
    heat = array("i", [0] * thermal.WORDS)
    stops = Stops(live, heat, board.BREW_BOILER)
    live.pressure_mbar, live.flow_ul_s, live.weight_mg = 5000, 2000, -300
    for name in live_words:
        setattr(live, name, live_words[name])
    return live, p.words(), stops


def test_each_exit_ends_its_phase_and_an_under_only_after_a_second():
    for exits, name, before, at, under in (
        ({"weight_mg": 8000}, "weight_mg", 7999, 8000, False),
        ({"pressure_over_mbar": 6000}, "pressure_mbar", 5999, 6000, False),
        ({"flow_over_ul_s": 3000}, "flow_ul_s", 2999, 3000, False),
        ({"pressure_under_mbar": 4000}, "pressure_mbar", 4000, 3999, True),
        ({"flow_under_ul_s": 1000}, "flow_ul_s", 1000, 999, True),
    ):
        for value, ms, over in ((before, 5000, False), (at, 990, not under), (at, 1000, True)):
            _, words, stops = _by(exits, **{name: value})
            stops.phase(words, plan.HEAD, 0)
            stops.now[MS] = ms
            said = stops.step(words, 0, 0)
            assert said == (PHASE_OVER if over else GOES_ON), (exits, value, ms)
    stops.phase(words, plan.HEAD + plan.PHASE, 0)
    assert stops.now[MS] == 0  # the next one has its own time
    _, words, stops = _by({"volume_ul": 5000})
    stops.phase(words, plan.HEAD, 20000)  # counted from where the phase began
    assert stops.step(words, 24999, 0) == GOES_ON and stops.step(words, 25000, 0) == PHASE_OVER


def test_the_time_of_a_shot_ends_it():
    _, words, stops = _by({})
    stops.phase(words, plan.HEAD, 0)
    for shot_ms, said in ((89990, GOES_ON), (90000, SHOT_OVER)):
        stops.now[SHOT_MS] = shot_ms
        assert stops.step(words, 0, 0) == said


def _weighed():
    live, p = names.Live(), plan.Plan()
    p.load(dict(temp_mc=93000, stop={"weight_mg": 36000},
                phases=[{"flow_ul_s": 2000, "exit": {"time_ms": 90000}}]))
    stops = Stops(live, array("i", [0] * thermal.WORDS), board.BREW_BOILER)
    words = p.words()
    stops.phase(words, plan.HEAD, 0)
    live.flow_ul_s = 2000
    return live, words, stops


def _ends_at_mg(live, words, stops):
    for live.weight_mg in range(30000, 40000, 10):
        if stops.step(words, 0, 0) == SHOT_OVER:
            return live.weight_mg


def test_a_weight_is_stopped_for_as_much_earlier_as_drips_and_the_drip_is_learnt():
    live, words, stops = _weighed()
    usual = 36000 - 2062 * board.DRIP_MS // 1000
    assert abs(_ends_at_mg(live, words, stops) - usual) <= 40
    live.flow_ul_s = 400
    assert abs(_ends_at_mg(live, words, stops) - (36000 - 412 * board.DRIP_MS // 1000)) <= 40
    for drips, change in ((0, board.DRIP_MS // 4), (-100, 0), (2062 * 3 + 10, 0)):
        live, words, stops = _weighed()
        live.weight_mg = 33000
        stops.water_ends()
        live.weight_mg += drips  # a cup that was lifted, a hand on the tray
        stops.learn()
        live.weight_mg = 0
        later = _ends_at_mg(live, words, stops) - usual
        assert abs(later - 2062 * change // 1000) <= 40, (drips, later)
    live, words, stops = _weighed()
    live.flow_ul_s = 400  # a trickle tells no time
    stops.water_ends()
    stops.learn()
    live.flow_ul_s = 2000
    assert abs(_ends_at_mg(live, words, stops) - usual) <= 40


def test_a_scale_that_died_in_the_shot_is_replaced_by_the_meter():
    live, words, stops = _weighed()
    live.alarms = SCALE_FAULT
    live.weight_mg = 90000
    stop_ul = (36000 - 2062 * board.DRIP_MS // 1000) * 128 // 137
    assert stops.step(words, 60000, stop_ul - 100) == GOES_ON
    assert stops.step(words, 60000, stop_ul + 100) == SHOT_OVER
