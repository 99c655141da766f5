# What surrounds the simulated chip: its machine (plant), its flash, the hands at its front panel.
# Survives resets: the state file holds the plant, the switches, the standing faults and the
# world's clock, and is written before every death and every second of the host.
import gc
import json
import os
import socket
import time
from trace import Trace

import hx711
import kernel
import life
import network
import uart
import utime
import wiring
from control import Channel
from flash import Flash
from kernel import NOW, words

_NET_FAULTS = {
    "wifi_lost": "1: the access point is gone",
    "broker_lost": "1: connections break and new ones are refused",
    "broker_slow": "bytes per 10 ms, each way",
    "broker_garbled": "permille of received bytes with a flipped bit",
    "dns_slow": "ms that a DNS lookup takes",
    "interrupts_off": "ms without interrupts, once, as if a driver hogged the processor",
    "clock_jump": "s by which the machine's clock jumps, once",
}
BUTTONS = ("brew", "water", "steam")
_ONCE = ("interrupts_off", "clock_jump")
_SHOWN = (
    "temp_mc", "setpoint_mc", "steam_temp_mc", "steam_setpoint_mc", "pressure_mbar",
    "flow_ul_s", "volume_ul", "weight_mg", "duty_permille", "steam_duty_permille", "shot_ms",
)
_SAVE_MS = 1000  # host time between two state files


class World:
    def __init__(self, job):
        import board
        from plant import Plant
        from plant import words as plant_words

        self.job = job
        self.board = board
        self.words = plant_words
        self.plant = Plant(_load(job["plant"]), job["seed"])
        self.flash = Flash(job["data"] + "/flash.bin")
        self.live = self.clock = None
        self.faults = {}
        self.resets = 0
        self.start_us = 0  # world time at this reset
        self._state_file = job["data"] + "/state.bin"
        self._saved_ms = utime.ticks_ms()
        wiring.connect(board, self.plant, plant_words)
        hx711.attach(board, self.plant, plant_words)
        life.begin(job)
        life.before_leaving(self._die)
        self._restore()
        self.trace = Trace(self)
        self.channel = Channel(self, job)
        socket.host["attached"] = job["network"]
        if job["serial"] is not None:
            uart.host["file"] = open(job["serial"], "r+b")
        try:
            for name, value in job["faults"].items():
                self.fault(name, value)
        except ValueError as e:
            self.channel.event({"event": "refused", "error": str(e)})

    # --- the firmware's side of the story
    def watch(self):
        # remembers what the firmware makes: its Live, to show readings, and its Clock, to set it
        # wrong
        try:
            from clock import Clock
            from live import Live
        except ImportError:
            return
        self._remember("live", Live)
        self._remember("clock", Clock)

    def _remember(self, name, kind):
        made = kind.__init__
        world = self

        def init(self, *args):
            setattr(world, name, self)
            made(self, *args)

        kind.__init__ = init

    def provision(self):
        for name, text in self.job.get("files", {}).items():
            with open(name, "w") as f:
                f.write(text)
        if "config.py" in os.listdir(self.job["firmware"]):
            import config

            config.provision(self.job["config"])

    def begin(self):
        self.channel.begin()

    def crashed(self, error):
        self.channel.event({"event": "main_ended", "error": repr(error)})

    # --- faults and switches
    def press(self, name):
        buttons = wiring.fitted(BUTTONS)
        if name not in buttons:
            raise ValueError("press: this machine has no button %r; use one of %s"
                             % (name, ", ".join(buttons)))
        self.set(name, 1)

    def set(self, name, value):
        if name in wiring.OWN_SWITCHES:
            wiring.press(name, value)
        else:
            self.plant.set(name, value)
            wiring.refresh_edges()

    def fault(self, name, value):
        # value 0 ends it
        if name in socket.faults:
            socket.faults[name] = value
            if name == "broker_lost" and value:
                socket.break_connections()
        elif name == "wifi_lost":
            network.air.lose() if value else network.air.find()
        elif name == "interrupts_off":
            kernel.mask()
            kernel.advance(value * 1000)
            kernel.unmask()
        elif name == "clock_jump":
            self._jump(value)
        else:
            self.plant.fault(name, value)
        if value and name not in _ONCE:
            self.faults[name] = value
        else:
            self.faults.pop(name, 0)

    def _jump(self, s):
        # the chip's clock, and what the host has told the firmware
        time.set_utc_us(time.utc_us() + s * 1000000)
        if self.clock and self.clock.known:
            self.clock.set_utc(self.clock.utc_ms() + s * 1000)

    def names(self):
        # what can be broken and set on this machine
        from plant.hands import SETTINGS

        known = self.plant.fault_names()
        known.update(_NET_FAULTS)
        return {
            "faults": known, "settings": sorted(SETTINGS) + ["remote"],
            "buttons": wiring.fitted(BUTTONS),
            "switches": wiring.fitted(("cup", "tank", "tray", "remote", "door", "hopper")),
            "outputs": wiring.driven(), "model": self.board.MODEL, "name": self.job["name"],
        }

    def now_us(self):
        return self.start_us + words[NOW]

    # --- state over resets
    def _restore(self):
        try:
            with open(self._state_file, "rb") as f:
                head = json.loads(f.readline())
                self.plant.restore(f.read())
        except OSError:
            return
        self.start_us = head["world_us"]
        self.resets = head["resets"]
        self.flash.operations = head["flash_operations"]
        self.flash.erases = head["flash_erases"]
        for i, closed in enumerate(head["switches"]):
            wiring.switches[i] = closed
        for name, value in head["faults"].items():
            self._again(name, value)
        wiring.refresh()

    def _again(self, name, value):
        # kept by a simulator that took what this one refuses: the machine must start, without it
        try:
            self.fault(name, value)
        except ValueError:
            if name in self.plant.fault_names():
                self.plant.fault(name, 0)

    def save(self):
        head = {
            "world_us": self.now_us(), "resets": self.resets,
            "flash_operations": self.flash.operations, "flash_erases": self.flash.erases,
            "switches": list(wiring.switches), "faults": self.faults,
        }
        with open(self._state_file + ".new", "wb") as f:
            f.write(json.dumps(head))
            f.write(b"\n")
            f.write(self.plant.snapshot())
        os.rename(self._state_file + ".new", self._state_file)
        self._saved_ms = utime.ticks_ms()

    def save_if_due(self):
        if utime.ticks_diff(utime.ticks_ms(), self._saved_ms) >= _SAVE_MS:
            self.save()

    def _die(self, cause):
        self.resets += 1
        self.channel.lend()
        self.save()
        self.channel.event({
            "event": "reset", "cause": cause, "uptime_ms": words[NOW] // 1000,
            "flash_operations": self.flash.operations,
        })

    # --- what a test or the panel sees
    def look(self):
        # the little a front panel shows, often: so it makes little garbage
        live, w, p = self.live, self.words, self.plant
        shown = {
            "world_ms": self.now_us() // 1000, "resets": self.resets, "wifi": network.air.joined,
            "outputs": list(p.u), "cup_ul": p.t[w.T_CUP_UL], "faults": self.faults,
            "switches": wiring.closed(),
        }
        if live is not None:
            import live as names

            for key in _SHOWN:
                shown[key] = getattr(live, key)
            shown["state"] = names.STATE_NAMES[live.state]
            shown["alarms"] = _bits(live.alarms, names.ALARM_NAMES)
            shown["latched"] = _bits(live.latched, names.ALARM_NAMES)
        return shown

    def read(self, collect):
        if collect:
            gc.collect()
        w, p = self.words, self.plant
        return {
            "model": self.board.MODEL, "world_ms": self.now_us() // 1000,
            "uptime_ms": words[NOW] // 1000, "resets": self.resets,
            "flash_operations": self.flash.operations, "flash_erases": self.flash.erases,
            "heap_free": gc.mem_free(), "faults": self.faults,
            "outputs": dict(zip(w.U_NAMES, p.u)), "sensors": dict(zip(w.Y_NAMES, p.y)),
            "truth": dict(zip(w.T_NAMES, p.t)),
            "switches": dict(zip(wiring.OWN_SWITCHES, wiring.switches)),
            "pins": list(wiring.level), "wifi": network.air.joined, "live": self._live(),
        }

    def _live(self):
        if self.live is None:
            return None
        return {k: v for k, v in self.live.__dict__.items()
                if isinstance(v, (int, bool)) and k[0] != "_"}


def _load(path):
    # boards/<board>/plant.py: its name is the package's too, so it is read by path
    scope = {}
    with open(path) as f:
        exec(f.read(), scope)
    return scope["PLANT"]


def _bits(mask, names):
    return [name for i, name in enumerate(names) if mask >> i & 1]
