# Records the run as rows of 32-bit ints into a host file: plant truth, outputs, the firmware's own
# readings. First line: the column names as JSON. Rows depend on virtual time only, so two runs
# with one seed give the same bytes.
import json
from array import array

import wiring

_LIVE = (
    "state", "temp_mc", "setpoint_mc", "steam_temp_mc", "group_temp_mc", "pressure_mbar",
    "flow_ul_s", "volume_ul", "weight_mg", "duty_permille", "steam_duty_permille",
    "pump_permille", "shot_ms", "alarms", "latched",
)


class Trace:
    def __init__(self, world):
        self._world = world
        self._file = None
        w = world.words
        self._names = ["world_ms"]
        self._names += ["u_" + n for n in w.U_NAMES]
        self._names += ["t_" + n for n in w.T_NAMES]
        self._names += ["live_" + n for n in _LIVE]
        self._row = array("i", [0] * len(self._names))
        world_job = world.job
        if world_job.get("trace"):
            self.start(world_job["trace"], world_job["trace_every"])

    def start(self, path, every):
        self.stop()
        self._world.job["trace"] = path
        try:
            self._file = open(path, "ab")
        except OSError as e:
            raise OSError(e.errno, path)
        if not self._file.seek(0, 2):
            self._file.write(json.dumps(self._names) + "\n")
        wiring.trace(self._write, every)

    def stop(self):
        wiring.trace(None, 0)
        if self._file:
            self._file.close()
        self._file = None

    def _write(self):
        row, plant, live = self._row, self._world.plant, self._world.live
        row[0] = self._world.now_us() // 1000
        n = 1
        for a in (plant.u, plant.t):
            for i in range(len(a)):
                row[n] = a[i]
                n += 1
        if live is not None:
            for name in _LIVE:
                row[n] = getattr(live, name)
                n += 1
        self._file.write(row)
