"""What is in the cup: weight on the 2900, volume on the 1900, pucks and grind from a seed."""

from __future__ import annotations

from tests.plant.rig import figures


def p95(values: list[int], target: int) -> int:
    off = sorted(abs(v - target) for v in values)
    return off[min(len(off) * 95 // 100, len(off) - 1)]


def test_weight_within_300_mg_p95() -> None:
    found = figures("coffee_2900", "shots", seed=11, count=40)
    learned = found["cup_mg"][5:]  # the drip is learned in the first shots
    assert p95(learned, 36000) <= 300, sorted(learned)
    assert p95(found["cup_mg"], 36000) <= 600


def test_volume_in_the_cup_p95() -> None:
    # Issue 3 asks for 1.5 ml, and over 600 pucks it is 1.38. What a puck drinks varies by 0.7 ml
    # (one sigma, plant data) and nothing on this machine can feel it, so the p95 of 40 pucks
    # scatters by some 0.25 ml.
    found = figures("coffee_1900", "shots", seed=12, count=40)
    assert p95(found["cup_ul"], 36000) <= 1800, sorted(found["cup_ul"])


def test_metered_volume_is_repeated_within_a_pulse() -> None:
    found = figures("coffee_1900", "shots", seed=13, count=10)
    spread = max(found["pumped_ul"]) - min(found["pumped_ul"])
    assert spread < 4000, found["pumped_ul"]
