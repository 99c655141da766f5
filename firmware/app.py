# Wires the firmware together and runs the background, one short pass after another, while the tick
# interrupts it. Whatever fails here is printed and tried again; what keeps failing gives no sign
# of life any more, and then the watchdog makes a new start.
import gc
import json
import sys
import time
from binascii import hexlify
from mailbox import Mailbox

import board
import commands
import config
import machine
import messages
from clock import Clock
from command import Refusal
from commands import Commands
from facts import Facts
from hal import Hal
from journal import Journal
from lamp import Lamp
from ledger import Ledger
from link import Link
from live import Live
from micropython import const
from opening import DOWN
from plan import Plan
from recipes import Recipes
from resets import Resets
from telemetry import Telemetry
from tick import WDT_MS, Tick
from validity import Validity
from version import VERSION, build

_SLOW_MS = const(100)
_COLLECT_MS = const(30000)
_TICK_MS = const(10)
_PASS_MS = const(5)
_SAY_MS = const(1000)
_START_MS = const(8000)
_SAID_MS = const(20000)


class App:
    def __init__(self):
        self.resets = resets = Resets()
        self.settings = settings = config.load()
        self.live = live = Live()
        self.mailbox = Mailbox(live)
        self.clock = Clock(live, resets.boot)
        self.journal = Journal(self.clock)
        self.plan, self.button = Plan(), Plan()
        self.recipes = Recipes(self.plan, self.button, settings)
        self.facts = Facts(live, self.journal, self.clock, self.mailbox, resets, settings)
        self.facts.start()
        self.commands = Commands(live, self.mailbox, self.clock, self.facts, self.recipes,
                                 settings, Ledger(), settings["machine"])
        self._lamp = Lamp(live, self.commands)
        self._validity = Validity(self.clock, self.mailbox)
        self.link = self.telemetry = None
        if settings["broker_host"] or settings["link"] != "wifi":
            self._connect(settings)
        self._slow_at = self._collected_at = time.ticks_ms()
        self._was_at_rest = True
        self._say_at = self._collected_at
        self._say_ms = _SAY_MS
        self._reported = self._turn = False
        self._heard = []  # commands, for step()

    # --- the network's side
    def _connect(self, settings):
        try:
            self.net, resolver = _way(settings, self.mailbox, self.resets.boot)
        except ImportError:
            print("link: this board has no Wi-Fi; use a serial line (docs/serial-line.md)")
            return
        self._prefix = b"coffee/v1/%s/" % settings["machine"]
        self._cmd = self._prefix + b"cmd/"
        serial = hexlify(machine.unique_id()).decode()
        try:
            self.link = self._new_link(settings, serial, resolver)
        except ImportError:
            print("broker_tls: this MicroPython has no TLS; use an image of ours (docs/boards.md)")
            return
        except (OSError, ValueError) as e:
            print("broker_ca: %s cannot be used (%s); copy the site's CA certificate to the board"
                  % (settings["broker_ca"], e))
            return
        info = messages.info(serial, self.resets.boot, self.journal.id, commands.NAMES)
        self.telemetry = Telemetry(self.live, self.link, self.journal, self.recipes, self.clock,
                                   info, self._prefix)

    def _new_link(self, settings, serial, resolver):
        link = Link(
            "coffee-" + settings["machine"], settings["broker_host"], settings["broker_port"],
            settings["broker_user"] or None, settings["broker_password"], 30,
            ssl=settings["broker_tls"], ssl_params=_trust(settings),
            resolver=resolver, calm=self.mailbox.at_rest, too_long=self._too_long,
            seed=int(serial[-5:], 16) + self.resets.boot)
        status = self._prefix + b"status"
        link.set_last_will(status, messages.status(self.resets.boot, False), True, 1)
        link.set_callback(self._take)
        link.subscribe(self._cmd + b"#", 1)
        link.subscribe(self._prefix + b"ack", 1)
        link.connect()
        return link

    def _take(self, topic, payload):
        if topic == self._prefix + b"ack":
            reply = self.telemetry.take_ack(payload, time.ticks_ms())
        elif topic.startswith(self._cmd):
            reply = self._command(topic[len(self._cmd):], payload)
        else:
            reply = None
        self._reply(reply)

    def _command(self, name, payload):
        if self.link.retained:
            return Refusal(
                "retained", "cmd", "commands must not be retained; clear it").reply()
        name = _text(name)
        if self.telemetry.full():
            self.telemetry.overload()
            if name != "stop":  # stop is always carried out
                return None
        if name == "stop":
            return self.commands.take(name, payload)
        self._heard.append((name, payload))
        return None

    def _too_long(self, topic, size):
        name = topic[len(self._cmd):] if topic.startswith(self._cmd) else topic[-16:]
        self._reply(self.commands.too_long(_text(name), size))

    def _reply(self, payload):
        if payload and not self.telemetry.full():
            self.telemetry.reply(payload)

    # --- the tick's side
    def start(self):
        # From here on the tick runs, and the watchdog with it.
        settings, resets = self.settings, self.resets
        hal = Hal()
        self._collect(time.ticks_ms())
        # outputs are off; to make the tick takes a 2900 with flashed code longer than WDT_MS
        dog = machine.WDT(timeout=_START_MS)
        self.tick = Tick(
            self.live, hal, self.plan, self.button, dog, resets.latched, resets.safe_mode,
            settings["brew_setpoint_mc"] or None, settings["steam_setpoint_mc"] or None,
            settings.tune(), settings.wants_tune())
        machine.WDT(timeout=WDT_MS)  # the same dog, now for a running tick
        self._timer = machine.Timer(
            period=_TICK_MS, mode=machine.Timer.PERIODIC, callback=self.tick.step, hard=True)

    def born(self, now):
        # What `make flash` waits for: a few times, ever more seldom, because a USB console is back
        # later than we are.
        if self._say_ms > _SAID_MS or time.ticks_diff(now, self._say_at) < 0:
            return
        self._say_at = time.ticks_add(now, self._say_ms)
        self._say_ms *= 3
        print("coffee: up", json.dumps({
            "machine": self.settings["machine"], "model": board.MODEL, "version": VERSION,
            "build": build(), "boot": self.resets.boot, "cause": self.resets.cause,
        }))

    # --- the background
    def run(self):
        idle = machine.idle
        while True:
            began = time.ticks_ms()
            try:
                self.step()
                idle()
                while time.ticks_diff(time.ticks_ms(), began) < _PASS_MS:
                    idle()  # the rp2 wakes at each interrupt: sleeping on costs a tenth of a pass
            except KeyboardInterrupt as e:
                # Ctrl-C from the cable: the shot comes first
                if self.mailbox.at_rest():
                    raise
                self._failed(e)
                print("coffee: busy, a shot or water runs; try again at its end")
            except Exception as e:
                self._failed(e)
                idle()

    def step(self):
        # One pass. The sign of life comes last: a pass that fails gives none.
        now = time.ticks_ms()
        self.facts.step()
        if self.telemetry:
            self._network(now)
            if self._heard and not self.telemetry.full():
                # not deep inside the link: the file system needs 1 KiB of the chip's 8 KiB
                # of stack, and the tick needs the rest when it interrupts
                self._reply(self.commands.take(*self._heard.pop(0)))
        if time.ticks_diff(now, self._slow_at) >= 0:
            self._slow_at = time.ticks_add(now, _SLOW_MS)
            self._slowly(now)
        self.mailbox.beat()

    def _network(self, now):
        if self.net.step(now):
            self._turn = not self._turn
            if self._turn or self.link.urgent():
                self.link.step(now)
                self.telemetry.step(now)
        elif self.link.phase != DOWN:
            self.link.drop("no network")

    def _slowly(self, now):
        if self.tick.broken and not self._reported:
            self._reported = True
            sys.print_exception(self.tick.broken)
        self.born(now)
        self._lamp.step(self.clock.uptime_ms())
        self._validity.step(self.link.session if self.link else 0)
        if self.telemetry and not self.telemetry.full():
            self._reply(self.commands.step())
        at_rest = self.mailbox.at_rest()
        if at_rest and (not self._was_at_rest
                        or time.ticks_diff(now, self._collected_at) >= _COLLECT_MS):
            self._collect(now)
        self._was_at_rest = at_rest

    def _collect(self, now):
        # at quiet moments, so that it seldom comes by itself in a shot
        self._collected_at = now
        gc.collect()
        if self.telemetry:
            self.telemetry.heap_free = gc.mem_free()

    def _failed(self, error):
        sys.print_exception(error)
        if self.link:
            self.link.drop("background failed")
        gc.collect()


def _text(name):
    try:
        return name.decode()
    except UnicodeError:
        return "?"


def _way(settings, mailbox, boot):
    # (what brings the way to the broker up, where names are asked for and sockets made)
    if settings["link"] == "wifi":
        from net import Resolver, Wifi

        wifi = Wifi(settings["wifi_ssid"], settings["wifi_key"], None, settings["machine"],
                    settings["wifi_country"])
        return wifi, Resolver(mailbox)
    from line import Line
    from ports import UartPort, UsbPort
    from serial_net import SerialNet

    port = UartPort(settings["uart_baud"]) if settings["link"] == "uart" else UsbPort()
    net = SerialNet(Line(port, boot % 65535 + 1))
    return net, net


def _trust(settings):
    if not settings["broker_tls"]:
        return None
    with open(settings["broker_ca"], "rb") as f:
        return {"cadata": f.read()}
