# Pulses to flow and volume.
import board
import flow

_UL = board.FLOW_UL_PULSE


class Pulses:
    # drives a Flow at a steady rate, time in us
    def __init__(self):
        self.flow = flow.Flow()
        self.now = 0

    def run(self, ul_s, ms):
        every = _UL * 1000000 // ul_s if ul_s else 0
        left = getattr(self, "left", every)
        for _ in range(ms // 10):
            self.now += 10000
            left -= 10000
            while every and left <= 0:
                self.flow.pulses += 1
                self.flow.stamp = self.now + left
                left += every
            self.flow.step(self.now)
        self.left = left


def test_steady_flow_within_4_percent():
    for ul_s in (300, 800, 2000, 5000, 10800):
        p = Pulses()
        p.run(ul_s, 10000)
        assert abs(p.flow.flow_ul_s - ul_s) * 25 <= ul_s, (ul_s, p.flow.flow_ul_s)


def test_volume_between_pulses():
    p = Pulses()
    p.run(1000, 10200)
    assert abs(p.flow.volume_ul() - 10200) <= _UL, p.flow.volume_ul()


def test_volume_begins_anew():
    p = Pulses()
    p.run(2000, 5000)
    p.run(0, 3000)
    p.left = 250000
    p.flow.begin()
    assert p.flow.volume_ul() == 0
    p.run(2000, 5000)
    assert abs(p.flow.volume_ul() - 10000) <= _UL, p.flow.volume_ul()


def test_a_stop_is_seen():
    p = Pulses()
    p.run(2000, 5000)
    p.run(0, 1000)
    assert p.flow.flow_ul_s <= 500
    p.run(0, 1500)
    assert p.flow.flow_ul_s == 0 and p.flow.still_ms >= 2000


def test_the_clock_may_wrap():
    p = Pulses()
    p.now = (1 << 30) - 3000000
    p.run(2000, 6000)
    assert abs(p.flow.flow_ul_s - 2000) < 60
