"""The cables between the chip's pins and the plant, by the board's data: every output drives the
plant for a half-cycle, every sensor of the plant shows at its pin. No physics, no judgement.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Any

from simulator.emulated import stand_in
from simulator.emulated.chip import Chip
from simulator.emulated.hx711 import LoadCell

HALF_CYCLE_NS = 10_000_000
PULSE_NS = 2_000_000  # the hall switch is closed for a part of the wheel's turn
PWM_FUNCTION = 4
ADC_PIN = 26  # GPIO of channel 0
ON = 1
BURST_US = 1000  # readings closer than this belong to one tick

OUTPUTS = {  # board attribute → word of plant.u
    "HEATER_BREW": "heater_brew", "HEATER_STEAM": "heater_steam", "VALVE_BREW": "valve_brew",
    "VALVE_STEAM": "valve_steam", "VALVE_WATER": "valve_water", "VALVE_REFILL": "valve_refill",
    "GRINDER": "grinder", "SAFETY_RELAY": "safety_relay",
}
SENSED = {  # board attribute → word of plant.y
    "TANK": "tank", "TRAY": "tray", "CUP": "cup", "DOOR": "door", "HOPPER": "hopper",
    "STEAM_PROBE": "steam_probe",
}
HANDS = {"brew": "BTN_BREW", "water": "BTN_WATER", "steam": "BTN_STEAM", "remote": "KEY_REMOTE"}
CHANNELS = {"ADC_BREW": 0, "ADC_STEAM": 1, "ADC_GROUP": 2, "ADC_PRESSURE": 3}


class Wires:
    """Pins of one machine. Kept over power cycles; attach() connects them to a new chip.

    Attributes:
        plant: simulator.plant.Plant.
        data: what boards/coffee_<model>/board.py binds.
        held: pin → level that a test forces, instead of what the plant shows.
        log: pin → [(us since this power-on, level)] of every change the chip made.
        driven: pin → us since this power-on at which the chip began to drive it, 0 or 1.
        sampled: us since this power-on of each first reading of the brew boiler's sensor in a
            row: one a tick.
    """

    def __init__(self, model: str, seed: int) -> None:
        self.data = stand_in.read_data(model, "board")
        self.plant = stand_in.load_plant(model, seed)
        words = stand_in.plant_words()
        self._y = words.Y_NAMES
        self._u = words.U_NAMES
        self._out = self._fitted(OUTPUTS)
        self._in = self._fitted(SENSED)
        self.hands = {name: name == "remote" for name, role in HANDS.items() if self.data[role]
                      is not None}
        self.held: dict[int, int] = {}
        self.log: dict[int, list[tuple[float, int]]] = defaultdict(list)
        if self.data["SAFETY_RELAY"] is None:
            self.plant.u[self._u.index("safety_relay")] = 1

    def _fitted(self, roles: dict[str, str]) -> list[tuple[int, str]]:
        return [(self.data[r], word) for r, word in roles.items() if self.data[r] is not None]

    def attach(self, chip: Chip) -> None:
        """Connects everything to a chip that has not executed anything yet."""
        self.chip = chip
        self.log.clear()
        self.driven: dict[int, float] = {}
        self.sampled: list[float] = []
        self._shown: dict[int, int] = {}
        for pin, gpio in enumerate(chip.mcu.gpio):
            gpio.add_listener(partial(self._changed, pin))
        chip.mcu.adc.on_adc_read = self._convert
        if self.data["HX711_SCK"] is not None:
            LoadCell(chip, self.data["HX711_DOUT"], self.data["HX711_SCK"], self._cell)
        self._tick = chip.alarm(self._half_cycle)
        self._pulse_end = chip.alarm(partial(self._show, self.data["FLOWMETER"], 1))
        self._show(self.data["FLOWMETER"], 1)
        self.refresh()
        self._tick.schedule(HALF_CYCLE_NS)

    def dark(self) -> None:
        """The controller has no power: everything it drove rests."""
        for _, word in self._out:
            self.plant.u[self._u.index(word)] = 0
        self.plant.u[self._u.index("pump_permille")] = 0

    # --- what the chip does
    def level(self, pin: int) -> int:
        """1 when the chip drives this pin high. An undriven pin rests low: every output stage has
        a pull-down."""
        return 1 if int(self.chip.mcu.gpio[pin].value) == ON else 0

    def duty_permille(self, pin: int) -> int:
        """Of the PWM on this pin; 0 or 1000 from a plain output."""
        gpio = self.chip.mcu.gpio[pin]
        if gpio.function_select != PWM_FUNCTION:
            return 1000 * self.level(pin)
        channel = self.chip.mcu.pwm.channels[(pin >> 1) & 7]
        if not channel.csr & 1:
            return 0
        compare = channel.cc >> (16 if pin & 1 else 0) & 0xFFFF
        return int(min(1000, 1000 * compare // (channel.top + 1)))

    def _changed(self, pin: int, new: Any, old: Any) -> None:
        level = 1 if int(new) == ON else 0
        if int(new) <= ON:
            self.driven.setdefault(pin, self.chip.now_us)
        log = self.log[pin]
        if level != (log[-1][1] if log else 0):
            log.append((self.chip.now_us, level))

    # --- a half-cycle of the mains
    def _half_cycle(self) -> None:
        self._tick.schedule(HALF_CYCLE_NS)
        u = self.plant.u
        for pin, word in self._out:
            u[self._u.index(word)] = self.level(pin)
        u[self._u.index("pump_permille")] = self.duty_permille(self.data["PUMP"])
        self.plant.step()
        self.refresh()
        if self.plant.y[self._y.index("pulses")]:
            self._show(self.data["FLOWMETER"], 0)
            self._pulse_end.schedule(PULSE_NS)

    # --- what the chip feels
    def refresh(self) -> None:
        """Shows the plant's switches and the hands' at their pins: closed pulls to ground."""
        y = self.plant.y
        for pin, word in self._in:
            self._show(pin, 0 if y[self._y.index(word)] else 1)
        for name, closed in self.hands.items():
            self._show(self.data[HANDS[name]], 0 if closed else 1)

    def _show(self, pin: int, level: int) -> None:
        level = self.held.get(pin, level)
        if self._shown.get(pin) != level:
            self._shown[pin] = level
            self.chip.mcu.gpio[pin].set_input_value(bool(level))

    def _convert(self, channel: int) -> None:
        # the sample stands as the conversion begins; 2 us later the chip may read it
        adc = self.chip.mcu.adc
        if channel == self.data["ADC_BREW"][0] - ADC_PIN:
            now = self.chip.now_us
            if not self.sampled or now - self.sampled[-1] > BURST_US:
                self.sampled.append(now)
        adc.channel_values[channel] = self._voltage(ADC_PIN + channel) >> 4
        adc.current_channel = channel
        adc.sample_alarm.schedule(adc.sample_time * 1000)

    def _voltage(self, pin: int) -> int:
        for role, channel in CHANNELS.items():
            at = self.data[role]
            if at and at[0] == pin and at[1] in (None, self._mux()):
                return int(self.plant.adc(channel))
        return 0

    def _mux(self) -> int:
        return self.level(self.data["ADC_MUX"]) if self.data["ADC_MUX"] is not None else 0

    def _cell(self) -> int | None:
        # counts of the load cell, None while its converter is silent
        y = self.plant.y
        if not y[self._y.index("scale_ready")]:
            return None
        return int(y[self._y.index("scale_counts")])
