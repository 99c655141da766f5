"""The viper hot path stays inside the board's 32-bit integers for everything that can happen."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.hard.checked import Int, Words, Wrapped, firmware

BOARDS = ("coffee_1900", "coffee_2900")


def test_the_check_itself_notices_a_wrap() -> None:
    with pytest.raises(Wrapped):
        Int(1 << 30) * 2
    with pytest.raises(Wrapped):
        Words([0])[0] = -1


@pytest.mark.parametrize("board", BOARDS)
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    start_mc=st.integers(0, 165000),
    ref_mc=st.integers(0, 165000),
    stretch=st.sampled_from([0.6, 0.8, 1.0, 1.2, 1.5]),
    scale=st.sampled_from([0.7, 1.0, 1.4]),
    which=st.sampled_from(["BREW_BOILER", "STEAM_BOILER"]),
)
def test_thermal(board: str, seed: int, start_mc: int, ref_mc: int, stretch: float, scale: float,
                 which: str):
    with firmware(board) as load:
        thermal, burst, data = load("thermal"), load("burst"), load("board")
        figures = getattr(data, which) or data.BREW_BOILER
        # the range an auto-tune may set (autotune.py) and shots may scale (calorimeter.py)
        figures = [int(f * stretch) if k != 1 else f for k, f in enumerate(figures)]
        if which == "BREW_BOILER":
            figures[:3] = [int(f * scale) for f in figures[:3]]
        boiler = thermal.Boiler(figures, data.INLET_MC, data.AMBIENT_MC)
        w = boiler.words = Words(boiler.words)
        boiler.start(start_mc)
        boiler.set(ref_mc)
        w[thermal.GOOD] = 1
        b = Words(burst.words(figures[0], 0, 2300))
        chance = random.Random(seed)
        for n in range(300):
            if n % 20 == 0:
                boiler.firm(chance.random() < 0.5)
                b[burst.FLOW] = chance.choice([0, 2000, 12000])
                w[thermal.AHEAD] = chance.choice([0, 2000, 12000])
                w[thermal.CHARGE] = chance.randrange(2)
                w[thermal.MEASURED] = chance.choice([0, 20000, 93000, 165000, 200000])
            burst.fire(w, w, b, burst.MAY_BREW * chance.randrange(2))
            assert 0 <= w[thermal.DUTY] <= 65536 + 64


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_pump(seed: int) -> None:
    with firmware("coffee_2900") as load:
        hydraulics, plan = load("hydraulics"), load("plan")

        class Meter:
            pulses = 0
            flow_ul_s = 0

        chance = random.Random(seed)
        meter = Meter()
        pump = hydraulics.Hydraulics(meter)
        pump.words = Words(pump.words)
        for n in range(600):
            if n % 60 == 0:
                mode = chance.choice([plan.MODE_POWER, plan.MODE_PRESSURE, plan.MODE_FLOW])
                top = {plan.MODE_POWER: 1000, plan.MODE_PRESSURE: 11000, plan.MODE_FLOW: 8000}
                limit = chance.choice([plan.ABSENT, 0, 3000, 11000])
                pump.go(mode, chance.randrange(top[mode] + 1), chance.choice([0, 500, 30000]),
                        limit)
                mbar = chance.choice([0, 3000, 9000, 16000])
            meter.pulses += chance.randrange(2)
            pump.step(mbar + chance.randrange(-20, 20) if mbar else 0)
            assert 0 <= pump.pump <= 1000


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), together=st.booleans())
def test_burst(seed: int, together: bool) -> None:
    with firmware() as load:
        burst, thermal = load("burst"), load("thermal")
        w = Words(burst.words(1400, 800 if together else 1500, 2300))
        none = Words([0] * thermal.WORDS)
        none[thermal.D], none[thermal.GOOD] = thermal.D_ZERO, 1
        given = burst.GIVEN_BREW | burst.GIVEN_STEAM | burst.MAY_BREW | burst.MAY_STEAM
        chance = random.Random(seed)
        for _ in range(500):
            w[burst.DUTY_BREW] = chance.choice([0, 1, 30000, 65536])
            w[burst.DUTY_STEAM] = chance.choice([0, 1, 30000, 65536])
            w[burst.MJ] = 0  # taken ten times a second
            on = burst.fire(none, none, w, given | chance.randrange(2))
            assert on in (range(4) if together else range(3))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_stops(seed: int) -> None:
    with firmware("coffee_2900") as load:
        stops, thermal, plan = load("stops"), load("thermal"), load("plan")
        figures = [f * 3 // 2 for f in load("board").BREW_BOILER]  # the slowest autotune.py finds
        chance = random.Random(seed)
        live = load("live").Live()
        judge = stops.Stops(live, Words([0] * thermal.WORDS), figures)
        judge.now = Words(judge.now)
        recipe = {"temp_mc": 93000, "phases": [{
            "flow_ul_s": chance.randrange(8001), "exit": {"time_ms": chance.randrange(60001)}}]}
        stop = {"weight_mg": 250000, "volume_ul": 250000, "time_ms": 90000}
        recipe["stop"] = {n: chance.randrange(v) for n, v in stop.items() if chance.random() < 0.5}
        asked = plan.Plan()
        asked.load(recipe)
        judge.phase(Words(asked.words()), plan.HEAD, 0)
        for _ in range(200):
            judge.now[stops.SHOT_MS] = chance.randrange(100000)
            judge.now[stops.MS] = chance.randrange(100000)
            live.weight_mg = chance.choice([-1000000, -10, 0, 36000, 1000000])
            live.flow_ul_s = chance.choice([0, 1, 49, 50, 2000, 10000, 500000])
            live.pressure_mbar = chance.randrange(17000)
            live.alarms = chance.choice([0, stops.SCALE_FAULT])
            pumped = chance.choice([-400, 0, 30000, 300000])
            over = judge.step(Words(asked.words()), pumped, max(pumped - 29600, 0))
            assert over in (stops.GOES_ON, stops.PHASE_OVER, stops.SHOT_OVER)


@given(raw=st.integers(0, 262140))
@settings(deadline=None)
def test_sensors(raw: int) -> None:
    with firmware("coffee_2900") as load:
        sensors, data = load("sensors"), load("board")
        guards = load("guards")
        for sensor in (data.BREW_SENSOR, data.GROUP_SENSOR):
            table = Words(sensors.temperature_table(sensor))
            assert -40000 <= sensors.read(table, Int(raw)) <= 200000
        table = sensors.pressure_table(data.PRESSURE_SENSOR)
        assert -3000 <= sensors.read(Words(table), Int(raw)) <= 18000
        heard = Words(guards.ear(0, table, 13500, False, 3))
        w = Words([0] * 22)
        for n in range(40):
            said = guards.look(heard, [raw if n % 7 else 262140 - raw], w)
            assert 0 <= said <= 31
