# boards: coffee_2900
# The live curve: every sample once, in order, in batches that close with `last`.
import json

from curve import Curve
from live import Live


def shot(live, number, n, start=0):
    live.shot = number
    for k in range(start, start + n):
        live.shot_ms = k * 100
        live.temp_mc = 93000 + k
        live.weight_mg = -k
        live.samples.put(live)


def drain(curve):
    found = []
    while True:
        text = curve.message()
        if text is None:
            return found
        found.append(json.loads(text))


def times(batches):
    return [t for batch in batches for t in batch["t_ms"]]


def test_every_length_of_shot_arrives_whole_and_is_closed_once():
    for n in range(1, 40):
        live = Live()
        curve = Curve(live, 7)
        found = []
        for k in range(n):
            shot(live, 3, 1, k)
            found += drain(curve)
        live.shot = 0
        found += drain(curve)
        assert times(found) == [k * 100 for k in range(n)], n
        assert [b["part"] for b in found] == list(range(len(found)))
        assert [b["last"] for b in found] == [False] * (len(found) - 1) + [True]
        assert all(1 <= len(b["t_ms"]) <= 10 for b in found)


def test_columns_are_of_equal_length_and_hold_what_was_measured():
    live = Live()
    curve = Curve(live, 7)
    shot(live, 3, 8)
    live.shot = 0
    for batch in drain(curve):
        columns = [v for v in batch.values() if isinstance(v, list)]
        assert len(columns) == 7 and len(set(len(c) for c in columns)) == 1
        assert batch["temp_mc"] == [93000 + t // 100 for t in batch["t_ms"]]
        assert batch["weight_mg"] == [-(t // 100) for t in batch["t_ms"]]


def test_next_shot_closes_the_one_before():
    live = Live()
    curve = Curve(live, 7)
    shot(live, 3, 7)
    shot(live, 4, 7)
    live.shot = 0
    found = drain(curve)
    for number in (3, 4):
        of = [b for b in found if b["shot"] == number]
        assert times(of) == [k * 100 for k in range(7)]
        assert of[-1]["last"] and of[0]["part"] == 0


def test_a_link_that_was_away_begins_with_what_comes_now():
    live = Live()
    curve = Curve(live, 7)
    shot(live, 3, 20)
    curve.restart()
    shot(live, 3, 2, 20)
    live.shot = 0
    assert times(drain(curve)) == [2000, 2100]


def test_a_reader_that_falls_behind_loses_only_the_oldest():
    live = Live()
    curve = Curve(live, 7)
    shot(live, 3, 200)
    live.shot = 0
    found = times(drain(curve))
    assert found[-1] == 19900 and found == list(range(found[0], 20000, 100)) and len(found) >= 60
