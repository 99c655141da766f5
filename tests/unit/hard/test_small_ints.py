"""What the tick learns about a boiler stays in the board's small ints, whatever the thermometer
says: a big int would be allocated, and that ends the tick.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.hard.checked import Boxed, firmware, small, small_ints

BOARDS = ("coffee_1900", "coffee_2900")
FULL = 65536


def test_the_check_itself_notices_a_big_int() -> None:
    assert small(-(1 << 30), "the least") and small((1 << 30) - 1, "the most")
    for value in (1 << 30, -(1 << 30) - 1):
        with pytest.raises(Boxed):
            small(value, "beyond")
    with firmware():
        water = small_ints("calorimeter").Calorimeter
        guess = water.__new__(water)
        guess._words = [93000 << 10, 0, 0, 0, 0, 0, 0, 800]
        guess._looks = (1 << 30) - 1
        with pytest.raises(Boxed):
            guess.look()


@pytest.mark.parametrize("board", BOARDS)
@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    rise_mc=st.integers(8, 500),  # a tick: 50 K/s is a boiler without water, or no thermometer
    idle=st.integers(0, 10),  # of ten half-cycles at rest
)
def test_auto_tune(board: str, seed: int, rise_mc: int, idle: int) -> None:
    with firmware(board) as load:
        thermal, names, data = load("thermal"), load("live"), load("board")
        nominal = data.BREW_BOILER
        boiler = thermal.Boiler(nominal, data.INLET_MC, data.AMBIENT_MC)
        boiler.start(20000)
        boiler.set(93000)
        boiler.figures[1] = boiler.figures[1] * 14 // 10  # a shot may have said so
        tuned = small_ints("autotune")
        tuner = tuned.Autotune(names.Live(), boiler, nominal)
        assert tuner.start()
        chance = random.Random(seed)
        mc, ticks = 20000, 0
        while 0 < tuner.phase < tuned.HOLD:
            boiler.words[thermal.FIRED] = 1
            duty = tuner.step(mc)
            if ticks % 500 == 0:
                pace = chance.choice([rise_mc, rise_mc, rise_mc // 2, 20, -1])
            mc += pace if duty == FULL else chance.choice([0, 0, pace >> 4, -1])
            ticks += 1
        boiler.words[thermal.T] = boiler.words[thermal.REF]
        while tuner.phase:
            tuner.fired += idle
            tuner.hold()
        for found, usual in zip(boiler.figures, nominal, strict=True):
            assert usual * 6 // 10 <= found <= usual * 15 // 10


@pytest.mark.parametrize("board", BOARDS)
@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    flow_ul_s=st.sampled_from([800, 2000, 12000]),
    looks=st.sampled_from([160, 161, 900]),
)
def test_calorimeter(board: str, seed: int, flow_ul_s: int, looks: int) -> None:
    with firmware(board) as load:
        thermal, data = load("thermal"), load("board")
        boiler = thermal.Boiler(data.BREW_BOILER, data.INLET_MC, data.AMBIENT_MC)
        w = boiler.words
        meter = small_ints("calorimeter").Calorimeter(boiler, data.BREW_BOILER, data.INLET_MC)
        chance = random.Random(seed)
        for _ in range(9):  # shots
            missed_w = chance.choice([-4096, -300, 0, 300, 4095])
            mc = chance.choice([0, 20000, 93000, 165000])
            w[thermal.T] = mc << 10
            for _ in range(looks):
                w[thermal.FLOW] = flow_ul_s
                w[thermal.D] = thermal.D_ZERO + (missed_w << 10)
                assert not meter.look()
            w[thermal.FLOW] = 0
            assert meter.look() == (looks > 160 and mc >= 60000)  # colder water says nothing
        nominal = data.BREW_BOILER[1]
        assert nominal * 7 // 10 <= boiler.figures[1] <= nominal * 14 // 10


# --- what people and loose wires do
class Wire:
    """The pins of a scale amplifier whose wire is loose: whatever the noise says."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.low = self.chance.choice([0.01, 0.1, 0.5, 0.9])

    def ready(self) -> int:
        return int(self.chance.random() > self.low)

    def readinto(self, bits: bytearray) -> None:
        bits[:] = self.chance.choice([b"\x7f\xff\xfe", b"\x80\0\0", b"\0\0\0", bits])
        bits[2] = self.chance.randrange(256)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_loose_wire_of_the_scale(seed: int) -> None:
    with firmware("coffee_2900") as load:
        per_g = load("board").SCALE_COUNTS_G
        module = small_ints("scale")
        scale = module.Scale.__new__(module.Scale)
        wire = Wire(seed)
        scale.__dict__.update(
            weight_mg=0, rate_mg_s=0, alive=True, _age=0, _counts=0, _same=0, _zero=0,
            _per_g=per_g, _bits=bytearray(3), _take_bits=wire.readinto, _dout=wire.ready,
            _sck=lambda level: None)
        for n in range(4000):
            scale.step()
            if n % 1000 == 999:
                scale.tare()
            assert abs(scale.weight_mg) < 1 << 23  # three times what is believed


@pytest.mark.parametrize("hand_mg", [-1500000, -300000, 0, 4000, 900000, 1500000])
def test_a_hand_on_the_tray_when_a_shot_ends(hand_mg: int) -> None:
    with firmware("coffee_2900") as load:
        names, data = load("live"), load("board")
        module = small_ints("stops")
        live = names.Live()
        live.flow_ul_s, live.weight_mg = 2000, 36000
        stops = module.Stops(live, [0] * 22, data.BREW_BOILER)
        usual = stops.now[module._DRIP_MS]
        stops.water_ends()
        live.weight_mg += hand_mg
        stops.learn()
        assert (stops.now[module._DRIP_MS] != usual) == (0 <= hand_mg < 5000)


def test_a_machine_that_is_never_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ticks_us", "ticks_diff"):
        monkeypatch.setattr(f"time.{name}", lambda *us: 0, raising=False)
    with firmware():
        meter = small_ints("flow").Flow()
        meter.pulses = meter._seen = 3000000  # 1500 l
        meter.begin()
        meter.pulses += 80
        meter.step(0)
        assert meter.volume_ul() == 40000
