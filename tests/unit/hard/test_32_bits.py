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
        thermal, data = load("thermal"), load("board")
        figures = getattr(data, which) or data.BREW_BOILER
        # the range an auto-tune may set (autotune.py) and shots may scale (calorimeter.py)
        figures = [int(f * stretch) if k != 1 else f for k, f in enumerate(figures)]
        if which == "BREW_BOILER":
            figures[:3] = [int(f * scale) for f in figures[:3]]
        boiler = thermal.Boiler(figures, data.INLET_MC, data.AMBIENT_MC)
        w = boiler.words = Words(boiler.words)
        boiler.start(start_mc)
        boiler.set(ref_mc)
        chance = random.Random(seed)
        for n in range(300):
            if n % 20 == 0:
                boiler.firm(chance.random() < 0.5)
                w[thermal.FLOW] = chance.choice([0, 2000, 12000])
                w[thermal.AHEAD] = chance.choice([0, 2000, 12000])
                w[thermal.CHARGE] = chance.randrange(2)
                w[thermal.MEASURED] = chance.choice([0, 20000, 93000, 165000, 200000])
            w[thermal.FIRED] = chance.randrange(2)
            assert 0 <= thermal.step(w) <= 65536 + 64


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
        burst = load("burst")
        w = Words(burst.words(1400, 800 if together else 1500, 2300))
        chance = random.Random(seed)
        for _ in range(500):
            w[burst.DUTY_BREW] = chance.choice([0, 1, 30000, 65536])
            w[burst.DUTY_STEAM] = chance.choice([0, 1, 30000, 65536])
            assert burst.fire(w, chance.randrange(2)) in (range(4) if together else range(3))


@given(raw=st.integers(0, 262140))
@settings(deadline=None)
def test_sensors(raw: int) -> None:
    with firmware("coffee_2900") as load:
        sensors, data = load("sensors"), load("board")
        for sensor in (data.BREW_SENSOR, data.GROUP_SENSOR):
            table = Words(sensors.temperature_table(sensor))
            assert -40000 <= sensors.read(table, Int(raw)) <= 200000
        table = Words(sensors.pressure_table(data.PRESSURE_SENSOR))
        assert -3000 <= sensors.read(table, Int(raw)) <= 18000
