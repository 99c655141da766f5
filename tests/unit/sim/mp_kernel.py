# Virtual time and interrupts of the simulated board.
import time

import kernel
import machine
import micropython
from kernel import NOW, words


class Ticker:
    # counts, and remembers when it was called
    def __init__(self, period_us=10000, hard=True):
        self.times = []
        self.count = 0
        self.hard = hard
        self.log = None
        self.at = [0] * 64
        self.timer = machine.Timer(
            freq=1000000 / period_us, mode=machine.Timer.PERIODIC, callback=self.step, hard=hard
        )

    def step(self, timer):
        self.at[self.count % 64] = words[NOW]
        self.count += 1


def fresh():
    kernel.reset_state()


def test_idle_jumps_to_the_next_tick():
    fresh()
    t = Ticker()
    machine.idle()
    assert words[NOW] == 10000, words[NOW]
    for _ in range(9):
        machine.idle()
    assert (t.count, words[NOW]) == (10, 100000)


def test_ticks_fire_inside_a_sleep_at_their_own_time():
    fresh()
    t = Ticker()
    time.sleep_ms(35)
    assert words[NOW] == 35000
    assert t.at[:3] == [10000, 20000, 30000]


def test_looking_at_the_clock_lets_time_pass():
    fresh()
    t = Ticker()
    start = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), start) < 50:
        pass
    assert t.count == 5, t.count


def test_ticks_wrap_at_two_to_the_thirty():
    fresh()
    words[kernel.PLANT_DUE] = kernel.FAR  # no plant: the leap below would be a million steps
    words[NOW] = (1 << 30) - 5
    assert time.ticks_us() == (1 << 30) - 4
    words[NOW] = (1 << 30) + 5
    assert time.ticks_us() == 6
    assert time.ticks_diff(6, (1 << 30) - 4) == 10
    assert time.ticks_diff((1 << 30) - 4, 6) == -10
    assert time.ticks_add((1 << 30) - 4, 10) == 6
    words[NOW] = ((1 << 30) + 7) * 1000
    assert time.ticks_ms() == 7


def test_masked_interrupts_are_late_and_caught_up():
    fresh()
    t = Ticker()
    state = machine.disable_irq()
    time.sleep_us(45000)
    assert t.count == 0
    machine.enable_irq(state)
    assert t.count == 4
    assert t.at[:4] == [45000] * 4
    machine.idle()
    assert words[NOW] == 50000


def test_hard_callback_cannot_allocate_and_its_timer_stops():
    fresh()
    seen = []

    def bad(timer):
        seen.append(bytearray(100))

    machine.Timer(period=10, callback=bad, hard=True)
    good = Ticker(period_us=10000)
    time.sleep_ms(100)
    assert seen == []
    assert good.count == 10
    assert bytearray(100)  # the lock was released again


def test_soft_callback_may_allocate_and_survives_its_exception():
    fresh()
    seen = []

    def careless(timer):
        seen.append(bytearray(100))
        raise ValueError("once a tick")

    machine.Timer(period=10, callback=careless)
    time.sleep_ms(50)
    assert len(seen) == 5


def test_float_in_a_hard_callback_raises_as_on_the_board():
    fresh()
    out = [0, 0]

    def boxed(timer):
        out[0] += 1
        out[1] = 0.5 * out[0] + 0.1

    machine.Timer(period=10, callback=boxed, hard=True)
    time.sleep_ms(50)
    assert out == [1, 0], out


def test_one_shot_fires_once():
    fresh()
    seen = []
    machine.Timer(period=30, mode=machine.Timer.ONE_SHOT, callback=seen.append)
    time.sleep_ms(200)
    assert len(seen) == 1


def test_deinit_stops():
    fresh()
    t = Ticker()
    time.sleep_ms(30)
    t.timer.deinit()
    time.sleep_ms(100)
    assert t.count == 3


def test_timer_takes_only_minus_one():
    try:
        machine.Timer(0, period=10, callback=print)
    except ValueError:
        return
    assert False, "rp2 has only Timer(-1)"


def test_idle_and_clock_allocate_nothing():
    fresh()
    t = Ticker()
    idle, ms = machine.idle, time.ticks_ms
    micropython.heap_lock()
    try:
        for _ in range(1000):
            idle()
            ms()
    finally:
        micropython.heap_unlock()
    assert t.count == 1000


def test_time_inside_a_handler_does_not_preempt_it():
    fresh()
    depth = [0, 0]

    def slow(timer):
        depth[0] += 1
        depth[1] = max(depth[1], depth[0])
        time.sleep_us(25000)
        depth[0] -= 1

    machine.Timer(period=10, callback=slow, hard=True)
    time.sleep_ms(100)
    assert depth == [0, 1]


def test_rtc_starts_in_2021_and_can_be_set():
    fresh()
    time._rtc[0] = time._EPOCH_S * 1000000
    assert machine.RTC().datetime()[:3] == (2021, 1, 1)
    machine.RTC().datetime((2026, 2, 3, 1, 4, 5, 6, 0))
    time.sleep_ms(1500)
    assert machine.RTC().datetime() == (2026, 2, 3, 1, 4, 5, 7, 0)
    assert time.gmtime()[:6] == (2026, 2, 3, 4, 5, 7)


def test_mktime_undoes_gmtime():
    for s in (0, 951782399, 951782400, 1609459200, 1709164800, 1770091506, 4107542399):
        assert time.mktime(time.gmtime(s)) == s, s
