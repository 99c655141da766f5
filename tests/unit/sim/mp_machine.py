# Pins, ADC, PWM and watchdog of the simulated board. No plant: levels are set by hand.
import time

import kernel
import machine
import wiring
from machine import ADC, PWM, WDT, Pin


def refused(f, *args, **options):
    try:
        f(*args, **options)
    except ValueError:
        return True
    return False


def test_one_object_a_pin():
    a = Pin(6, Pin.OUT, value=1)
    b = Pin(6)
    assert a is b and b.value() == 1, "naming a pin again must not change it"


def test_levels():
    p = Pin(6, Pin.OUT, value=0)
    p.on()
    assert wiring.level[6] == 1
    p(0)
    assert wiring.level[6] == 0
    p.toggle()
    assert p.value() == 1
    p.value(0)
    assert p() == 0


def test_unknown_pins_are_refused():
    assert refused(Pin, 30)
    assert refused(Pin, "D4")
    assert Pin("GP6") is Pin(6)


def test_led_refuses_an_interrupt():
    kernel.reset_state()
    led = Pin("LED", Pin.OUT)
    led.on()
    assert led.value() == 1
    calls = []
    count = [0]

    def blink(timer):
        count[0] += 1
        led.value(0)

    machine.Timer(period=10, callback=blink, hard=True)
    time.sleep_ms(100)
    assert led.value() == 1 and count[0] == 1, calls


def test_adc_pins():
    assert refused(ADC, 5)
    assert refused(ADC, Pin(12))
    for good in (Pin(26), 27, 0, 2):
        assert 0 <= ADC(good).read_u16() <= 65535


def test_pwm_duty():
    pwm = PWM(Pin(4), freq=20000, duty_u16=0)
    pwm.duty_u16(32768)
    assert wiring.duty[4] == 32768 and pwm.duty_u16() == 32768
    pwm.deinit()
    assert wiring.duty[4] == 0
    Pin(4, Pin.OUT, value=0)
    assert wiring.duty[4] == -1


def test_watchdog_limit_of_the_rp2040():
    kernel.reset_state()
    assert refused(WDT, timeout=8389)
    assert refused(WDT, timeout=0)


def test_watchdog_bites_at_its_time():
    kernel.reset_state()
    bitten = []
    kernel.on_watchdog(lambda: bitten.append(kernel.words[kernel.NOW]) or calm())

    def calm():
        kernel.words[kernel.WDT_DUE] = kernel.FAR

    dog = WDT(timeout=1000)
    time.sleep_ms(900)
    dog.feed()
    time.sleep_ms(900)
    assert bitten == []
    time.sleep_ms(900)
    assert bitten == [1900000], bitten
    dog = WDT(timeout=8000)
    WDT(timeout=400)  # there is only one: this is its patience from now on
    time.sleep_ms(300)
    dog.feed()
    time.sleep_ms(450)
    assert bitten[1:] == [3400000], bitten


def test_edges_reach_their_handlers():
    kernel.reset_state()
    seen = []
    Pin(10, Pin.IN, Pin.PULL_UP).irq(
        lambda pin: seen.append(pin.id), Pin.IRQ_FALLING, hard=False
    )
    wiring._pump[4] = 10
    wiring._pulses(3)
    assert seen == [10, 10, 10]
    Pin(10).irq(None)
    wiring._pulses(1)
    assert len(seen) == 3


def test_hard_edge_handler_cannot_allocate():
    kernel.reset_state()
    seen = []
    Pin(10).irq(lambda pin: seen.append([pin]), Pin.IRQ_FALLING, hard=True)
    wiring._pump[4] = 10
    wiring._pulses(1)
    assert seen == []
    Pin(10).irq(None)
