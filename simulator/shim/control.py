# The line to the host: one JSON request a line in, one reply with its number `n` a line out,
# events in between.
# Also the pace: step (stand still until told to run), fast, or so many seconds a second.
# Runs in the slow hook of the kernel, between two instructions of the firmware; the little it
# allocates is garbage on the firmware's heap, which only makes a collection come earlier. When
# the firmware has filled its heap, a reserve from before the ballast serves instead.
import gc
import json
import os
import sys

import kernel
import life
import uselect
import utime
import wiring
from kernel import NOW, words

_LOOK_US = 100000  # virtual time between two looks at the line when nothing else is due
_FAR_LOOK_US = 60000000  # in mode "step": only whether the other side still lives
_RESERVE_BYTES = 24576
_TOO_MUCH = b'{"ok": false, "error": "MemoryError: the request needs more than the reserve"}\n'
_PATIENCE = 10  # network stalls of 25 ms of the host


def _told(error):
    # a ValueError is meant for people and says what to do
    return str(error) if isinstance(error, ValueError) else repr(error)


class Channel:
    def __init__(self, world, job):
        self._world = world
        self._file = job.get("line")
        self._poll = uselect.poll()
        if self._file:
            self._poll.register(self._file, uselect.POLLIN)
        self._chunk = bytearray(4096)
        self._filled = 0
        self._reserve = bytearray(_RESERVE_BYTES)
        self._until = None  # virtual us at which the running `run` is answered
        self._asked = None  # the number of the request being served
        self._run_asked = None
        self._later = []  # (virtual us, request): releases of buttons, scenario steps
        self._saves = job.get("save", True)
        self.step = job["mode"] == "step"
        self.speed = job.get("speed", 0)  # seconds a second; 0: as fast as possible
        self._set_patience()
        kernel.on_slow(self._slow)

    def _plan_steps(self, job):
        # The scenario: [ms, request], counted from the first start of this run (origin_ms, world
        # time; None: this is it). By the clock alone a step that ended a life would end the next.
        start = self._world.start_us
        origin = start if job["origin_ms"] is None else int(job["origin_ms"] * 1000)
        for number, (ms, request) in enumerate(job["steps"]):
            if number not in job["steps_done"]:
                request["number"] = number
                self._later.append((max(origin + int(ms * 1000) - start, 0), request))

    def begin(self):
        self._virtual0 = words[NOW]
        self._real0 = utime.ticks_us()
        self._plan_steps(self._world.job)
        self.event({
            "event": "started", "cause": self._world.job["cause"], "faults": self._world.faults,
            "start_ms": self._world.start_us // 1000,
        })
        if self._file:
            kernel.at(words[NOW])

    def event(self, what):
        what["world_ms"] = self._world.now_us() // 1000
        self._send(what)

    # --- pace
    def set_speed(self, speed):
        self.speed = speed
        self._virtual0 = words[NOW]
        self._real0 = utime.ticks_us()
        self._set_patience()

    def _set_patience(self):
        import socket

        fast = self.step or not 0 < self.speed < 5
        socket.host["patience"] = _PATIENCE if fast else 0

    def _slow(self):
        # Each step below takes its work off the list only when it is done, so that it can be
        # done again with the reserve when the firmware has left no memory.
        try:
            self._work()
        except MemoryError:
            self.lend()
            self._work_or_refuse()
            gc.collect()
            self._reserve = bytearray(_RESERVE_BYTES)

    def _work_or_refuse(self):
        # not even the reserve was enough: the request fails, never the firmware
        try:
            self._work()
        except MemoryError:
            if not self._filled:
                raise
            self._filled = 0
            gc.collect()
            self._file.write(_TOO_MUCH)
            self._work()

    def lend(self):
        # gives the reserve to whoever has to go on now
        self._reserve = None
        gc.collect()

    def _work(self):
        self._do_due()
        self._serve_lines()  # what a lack of memory left
        self._answer_run()
        if self.step:
            self._take(0)  # also on a long way: who sent us may be gone
            while self._until is None:
                self._take(-1)
        elif self.speed:
            self._keep_pace()
        else:
            self._take(0)
        if self._saves:
            self._world.save_if_due()
        self._plan()

    def _keep_pace(self):
        # ahead of the wall clock: wait for it, serving requests; behind: go on without waiting
        while True:
            gone = utime.ticks_diff(utime.ticks_us(), self._real0)
            if gone > 1 << 28:
                self.set_speed(self.speed)  # long before the host's ticks wrap
                gone = 0
            ahead = int((words[NOW] - self._virtual0) / self.speed) - gone
            if not self._take(max(ahead, 0) // 1000):
                if -ahead > 1000000:
                    self.set_speed(self.speed)  # the host slept: do not run after it
                return

    def _plan(self):
        span = int(10000 * self.speed) if self.speed and not self.step else _LOOK_US
        due = words[NOW] + (_FAR_LOOK_US if self.step else max(span, 10000))
        if self._until is not None:
            due = min(due, self._until)
        for at, _ in self._later:
            due = min(due, at)
        kernel.at(due)

    def _do_due(self):
        for entry in list(self._later):
            if entry[0] <= words[NOW]:
                self._do_planned(entry[1])
                self._later.remove(entry)

    def _do_planned(self, request):
        if "number" in request:  # before it is done: it may end this life
            self.event({"event": "step_begun", "number": request["number"]})
        try:
            getattr(self, "do_" + request["do"])(request)
        except MemoryError:
            raise
        except Exception as e:
            sys.print_exception(e)
            self.event({"event": "step_failed", "step": request, "error": _told(e)})

    def _answer_run(self):
        if self._until is not None and words[NOW] >= self._until:
            self._send({
                "ok": True, "n": self._run_asked, "world_ms": self._world.now_us() // 1000})
            self._until = None

    # --- the line
    def _take(self, timeout_ms):
        # waits for a message that long (-1: for ever); True when one was served
        if not self._poll.poll(timeout_ms):
            return False
        n = self._file.readinto(memoryview(self._chunk)[self._filled :])
        if n == 0:
            os.system("kill -9 $PPID")  # the supervisor is gone
        self._filled += n or 0
        self._serve_lines()
        return True

    def _serve_lines(self):
        while True:
            end = self._chunk.find(b"\n", 0, self._filled)
            if end < 0:
                return
            self._serve(memoryview(self._chunk)[:end])
            rest = self._filled - end - 1
            self._chunk[:rest] = self._chunk[end + 1 : self._filled]
            self._filled = rest

    def _send(self, what):
        if self._file:
            data = json.dumps(what) + "\n"
            done = 0
            while done < len(data):
                done += self._file.write(data[done:]) or 0

    def _serve(self, line):
        self._asked = None
        try:
            request = json.loads(line)
            self._asked = request.get("n")
            reply = getattr(self, "do_" + request["do"])(request)
        except MemoryError:
            raise
        except Exception as e:
            sys.print_exception(e)
            self._send({"ok": False, "n": self._asked, "error": _told(e)})
            return
        if reply is not None:
            reply["ok"] = True
            reply["n"] = self._asked
            self._send(reply)

    # --- requests
    def do_run(self, r):
        self._run_asked = self._asked
        self._until = words[NOW] + int(r["ms"] * 1000)
        if self._until <= words[NOW]:
            self._answer_run()

    def do_press(self, r):
        self._world.press(r["what"])
        for entry in list(self._later):  # pressed again: the earlier release is void
            if entry[1]["do"] == "set" and entry[1]["name"] == r["what"]:
                self._later.remove(entry)
        release = {"do": "set", "name": r["what"], "value": 0}
        self._later.append((words[NOW] + r.get("ms", 200) * 1000, release))
        return {}

    def do_set(self, r):
        self._world.set(r["name"], r["value"])
        return {}

    def do_fault(self, r):
        if r["name"] == "interrupts_off" and self._until is None:
            self._later.append((words[NOW], r))  # takes time: in the next run
            return {}
        self._world.fault(r["name"], r.get("value", 1))
        return {}

    def do_read(self, r):
        return self._world.read(r.get("collect", False))

    def do_names(self, r):
        return self._world.names()

    def do_look(self, r):
        return self._world.look()

    def do_trace(self, r):
        self._world.trace.start(r["path"], r["every"]) if r.get("path") else (
            self._world.trace.stop())
        return {}

    def do_half_cycles(self, r):
        # the whole ring into a file: as JSON it would not fit beside the firmware
        with open(r["path"], "wb") as f:
            f.write(wiring.half_cycles)
        return {"total": wiring.counts[0]}

    def do_power_cut(self, r):
        flash = self._world.flash
        after = r.get("after_flash_ops", 0)
        if after:
            flash.fails_at = flash.operations + after
            return {}
        life.leave("power")

    def do_speed(self, r):
        self.set_speed(r["value"])
        return {}

    def do_save(self, r):
        self._world.save()
        return {}

    def do_stop(self, r):
        self._world.trace.stop()
        self._world.save()
        self.event({"event": "stopped"})
        os.system("kill -9 $PPID")
