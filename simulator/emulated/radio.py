"""The radio chip of a Pico W and the access point it finds, as seen by the driver in the image.

The chip's registers and the frames on its wires are rp2040py's; here stands what may go wrong
with a radio: no network of that name, a refused key, an access point that goes off the air.
"""

from __future__ import annotations

from typing import Any

from rp2040py.external.cyw43 import Cyw43439, bus

from simulator.emulated.lan import Lan

SET_VARIABLE = 263  # WLC_SET_VAR: a name, a zero, a value
SET_KEY = 268  # WLC_SET_WSEC_PMK: length and flags of 16 bits each, then the key
COUNTRY = b"country\0"
SEQUENCE = 4  # in a packet of the driver's
CREDITS = 8
NAME = slice(30, 63)  # in a scan's result: length, then up to 32 bytes
LEVEL = slice(90, 92)  # dBm, signed
CHANCE_MS = 1.0  # simulated time between two looks at the network behind


class Radio:
    """A CYW43439, wired as on a Pico W, in a room with one access point.

    Attributes:
        ssid: name of the access point's network.
        key: what it wants to hear; None: it takes any.
        level_dbm: how strong it is where the board hangs.
        country: whose channels the driver told the chip to use; XX: what all allow.
        lan: the network behind the access point, while the board has power.
        joins: how often the board got in.
        refused: how often it asked for another network or gave another key.
    """

    def __init__(self, ssid: str = "cafe", key: str | None = None) -> None:
        self.ssid = ssid
        self.key = key
        self.level_dbm = -58
        self.country = ""
        self.lan = Lan()
        self.joins = 0
        self.refused = 0
        self._on_air = True
        self._bus: _Bus | None = None

    @property
    def on_air(self) -> bool:
        """Whether the access point sends. Switched off, the chip notes that it lost it."""
        return self._on_air

    @on_air.setter
    def on_air(self, on: bool) -> None:
        if self._on_air and not on and self._bus:
            self.lan.forget()
            self._bus.lose()
        self._on_air = on

    def attach(self, chip: Any) -> None:
        """Solders it to a chip that has not begun to run."""
        chip_side = Cyw43439()
        chip_side.bus = self._bus = _Bus(self)
        chip_side.attach(chip.mcu)
        behind: Any = self
        self._bus.nat_bridge = behind
        self.lan.attach(self._bus.queue_rx_ethernet_frame)
        self._pump = chip.alarm(self._serve)
        self._serve()

    def dark(self) -> None:
        """The power is gone."""
        self.lan.forget()
        self._bus = None

    # --- what the bus asks of the network behind it
    def handle_outbound_ethernet_frame(self, frame: bytes) -> None:
        if self._on_air:
            self.lan.take(frame)

    def reset(self) -> None:
        self.lan.forget()

    def _serve(self) -> None:
        self.lan.step()
        self._pump.schedule(CHANCE_MS * 1e6)

    def judge(self, ssid: str, key: str) -> tuple[tuple[int, int, int], ...]:
        """The events of a join (type, status, flags), as the driver reads them."""
        if not self._on_air or ssid != self.ssid:
            self.refused += self._on_air
            return ((bus.CYW43_EV_SET_SSID, 3, 0),)  # no such network
        if self.key not in (None, key):
            self.refused += 1
            return ((bus.CYW43_EV_AUTH, 0, 0), (bus.CYW43_EV_PSK_SUP, 7, 0))
        self.joins += 1
        return ((bus.CYW43_EV_SET_SSID, 0, 0), (bus.CYW43_EV_AUTH, 0, 0),
                (bus.CYW43_EV_ASSOC, 0, 0), (bus.CYW43_EV_PSK_SUP, 6, 0),
                (bus.CYW43_EV_LINK, 0, 1))


class _Bus(bus.GSPIBus):
    """rp2040py's, with an access point that may refuse or go.

    And with one defect cured: there each packet towards the driver grants it one more, so that
    after 256 of them it seems to have none, and every packet of its own waits for a second. The
    chip grants a few beyond what it has taken.
    """

    def __init__(self, radio: Radio) -> None:
        self._taken = 0
        super().__init__()
        self._radio = radio
        self._ssid = self._key = ""

    @property
    def _bus_data_credit(self) -> int:
        return self._taken + CREDITS & 0xFF

    @_bus_data_credit.setter
    def _bus_data_credit(self, value: int) -> None:
        pass

    def power_off(self) -> None:
        super().power_off()
        self._taken = 0

    def lose(self) -> None:
        """No beacon for seconds: the chip says that the link is down."""
        self.queue_rx_packet(self._build_async_event(bus.CYW43_EV_LINK, 0))

    def _write_wlan(self, data: bytes) -> None:
        self._taken = data[SEQUENCE] + 1
        body = data[bus.SDPCM_HEADER_LEN + bus.IOCTL_HEADER_LEN:]
        command = int.from_bytes(data[bus.SDPCM_HEADER_LEN:][:4], "little")
        if data[5] & 0x0F == bus.CONTROL_HEADER:
            if command == SET_KEY:
                self._key = body[4:4 + int.from_bytes(body[:2], "little")].decode()
            elif command == SET_VARIABLE and body.startswith(COUNTRY):
                self._radio.country = body[len(COUNTRY):][:2].decode()
            elif command == bus.WLC_SET_SSID:
                self._ssid = body[4:4 + int.from_bytes(body[:4], "little")].decode()
        super()._write_wlan(data)

    def _queue_scan_events(self) -> None:
        if self._radio.on_air:
            super()._queue_scan_events()
        else:
            self.queue_rx_packet(self._build_async_event(bus.CYW43_EV_ESCAN_RESULT, 0))

    def _build_scan_result_bytes(self) -> bytes:
        found = bytearray(super()._build_scan_result_bytes())
        name = self._radio.ssid.encode()
        found[NAME] = bytes([len(name)]) + name.ljust(NAME.stop - NAME.start - 1, b"\0")
        found[LEVEL] = self._radio.level_dbm.to_bytes(2, "little", signed=True)
        return bytes(found)

    def _queue_join_events(self) -> None:
        for kind, status, flags in self._radio.judge(self._ssid, self._key):
            self.queue_rx_packet(self._build_async_event(kind, status, flags=flags))
