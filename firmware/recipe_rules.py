# What a recipe may be on this board. check() gives a clean copy and every problem with its field
# and cure; nothing here stores or brews.
import board
from command import is_int
from micropython import const

SLOTS = 16
BYTES_MAX = 4096  # of the published message
_MS_MAX = const(60000)
_AGAIN_MS = const(3000)
_EXITS = {
    "time_ms": (0, board.SHOT_LIMIT_MS), "volume_ul": (0, board.SHOT_LIMIT_UL),
    "pressure_over_mbar": board.PRESSURE_RANGE_MBAR,
    "pressure_under_mbar": board.PRESSURE_RANGE_MBAR,
    "flow_over_ul_s": board.FLOW_RANGE_UL_S, "flow_under_ul_s": board.FLOW_RANGE_UL_S,
    "weight_mg": (0, board.WEIGHT_RANGE_MG[1]) if board.WEIGHT_RANGE_MG else None,
}
_STOPS = {
    "volume_ul": board.VOLUME_RANGE_UL, "weight_mg": board.WEIGHT_RANGE_MG,
    "time_ms": (1000, board.SHOT_LIMIT_MS),
}
_LIMITS = {
    "brew_mc": board.BREW_RANGE_MC, "steam_mc": board.STEAM_RANGE_MC,
    "volume_ul": board.VOLUME_RANGE_UL, "weight_mg": board.WEIGHT_RANGE_MG,
    "pressure_mbar": board.PRESSURE_RANGE_MBAR, "flow_ul_s": board.FLOW_RANGE_UL_S,
}


def limits():
    # what `info` publishes, so that a host can check before it sends
    out = {name: list(value) for name, value in _LIMITS.items() if value}
    out["phases_max"] = board.PHASES_MAX
    out["slots"] = SLOTS
    out["recipes_bytes"] = BYTES_MAX
    return out


def check(recipe):
    # (clean recipe, problems [(field, message)], ignored keys). The recipe is good only when there
    # are no problems. Keys nobody knows are ignored, as everywhere in the contract, and told.
    rules = _Check()
    clean = rules.recipe(recipe)
    return clean, rules.problems, rules.ignored


class _Check:
    def __init__(self):
        self.problems = []
        self.ignored = []

    def wrong(self, field, message):
        self.problems.append((field, message))

    # --- the parts
    def recipe(self, given):
        if not isinstance(given, dict):
            self.wrong("recipe", "send an object with name, temp_mc and volume_ul or phases")
            return None
        clean = {"name": self.name(given.get("name"), "recipe.name")}
        self.number(given, clean, "temp_mc", "recipe", board.BREW_RANGE_MC, needed=True)
        if "phases" in given:
            self.profile(given, clean)
        else:
            self.volumetric(given, clean)
        return clean

    def volumetric(self, given, clean):
        self.known(given, "recipe", ("name", "temp_mc", "volume_ul", "preinfusion_ms",
                                     "preinfusion_ul", "soak_ms"))
        self.number(given, clean, "volume_ul", "recipe", board.VOLUME_RANGE_UL, needed=True)
        self.number(given, clean, "preinfusion_ms", "recipe", (0, _MS_MAX))
        self.number(given, clean, "preinfusion_ul", "recipe", (0, 100000))
        self.number(given, clean, "soak_ms", "recipe", (0, _MS_MAX))
        if "preinfusion_ms" in clean and "preinfusion_ul" in clean:
            self.wrong("recipe.preinfusion_ul", "send preinfusion_ms or preinfusion_ul, not both")
        if clean.get("preinfusion_ul", 0) > clean.get("volume_ul", 0):
            self.wrong("recipe.preinfusion_ul", "must not be more than volume_ul")
        soak = clean.get("soak_ms", 0)
        if soak and soak + _water_ms(clean) > board.SHOT_LIMIT_MS:
            self.wrong("recipe.soak_ms", "the shot would take too long; send less of it, or of "
                       "volume_ul")

    def profile(self, given, clean):
        self.known(given, "recipe", ("name", "temp_mc", "dose_ms", "stop", "phases"))
        if not board.PHASES_MAX:
            self.wrong("recipe.phases", "this machine brews by volume; send volume_ul instead")
            return
        if given.get("dose_ms"):
            grinder = None if board.GRINDER is None else (0, _MS_MAX)
            self.number(given, clean, "dose_ms", "recipe", grinder)
        clean["stop"] = self.bag(given.get("stop"), "recipe.stop", _STOPS)
        clean["phases"] = self.phases(given["phases"])

    def phases(self, given):
        if not isinstance(given, list) or not 1 <= len(given) <= board.PHASES_MAX:
            self.wrong("recipe.phases", "send a list of 1 to %d phases" % board.PHASES_MAX)
            return None
        return [self.phase(p, "recipe.phases[%d]" % n) for n, p in enumerate(given)]

    def phase(self, given, where):
        if not isinstance(given, dict):
            self.wrong(where, "send an object with pressure_mbar or flow_ul_s, and exit")
            return None
        clean = {}
        if "name" in given:
            clean["name"] = self.name(given["name"], where + ".name")
        self.target(given, clean, where)
        self.number(given, clean, "ramp_ms", where, (0, _MS_MAX))
        clean["exit"] = self.bag(given.get("exit"), where + ".exit", _EXITS)
        return clean

    def target(self, given, clean, where):
        self.known(given, where, ("name", "pressure_mbar", "flow_ul_s", "ramp_ms", "exit",
                                  "limit_flow_ul_s", "limit_pressure_mbar"))
        pressure = "pressure_mbar" in given
        if pressure == ("flow_ul_s" in given):
            self.wrong(where, "send pressure_mbar or flow_ul_s, one of the two")
            return
        own, other = "pressure_mbar", "flow_ul_s"
        if not pressure:
            own, other = other, own
        self.number(given, clean, own, where, _LIMITS[own])
        # at 0 no water moves, and the shot would end in an alarm
        self.number(given, clean, "limit_" + other, where, (1, _LIMITS[other][1]))
        if "limit_" + own in given:
            self.wrong(where + ".limit_" + own,
                       "a limit is on the other quantity; send limit_" + other)

    # --- the kinds of value
    def bag(self, given, where, rules):
        # an object of which at least one of the rules' keys is needed
        clean = {}
        if not isinstance(given, dict):
            self.wrong(where, "send an object with one of " + _names(rules))
            return clean
        self.known(given, where, rules)
        before = len(self.problems)
        for name in rules:
            self.number(given, clean, name, where, rules[name])
        if not clean and len(self.problems) == before:
            self.wrong(where, "needs at least one of " + _names(rules))
        return clean

    def number(self, given, clean, name, where, limits, needed=False):
        if name not in given and not needed:
            return
        value = given.get(name)
        if limits is None:
            self.wrong(where + "." + name, "this machine cannot do that; leave it out")
        elif is_int(value) and limits[0] <= value <= limits[1]:
            clean[name] = value
        else:
            self.wrong(where + "." + name, "send a whole number, %d to %d" % tuple(limits))

    def name(self, given, where):
        if isinstance(given, str) and 1 <= len(given) <= 32 and min(given) >= " ":
            return given
        self.wrong(where, "send a text of 1 to 32 characters")
        return None

    def known(self, given, where, names):
        for name in given:
            if name not in names:
                self.ignored.append(where + "." + str(name)[:24])


def _water_ms(clean):
    # how long the pump runs: with the greatest volume as long as a shot may take, and the puck
    # keeps as much of any. It stops for a soak and begins gently again.
    keeps = board.PUCK_KEEPS[0]
    ms = (clean.get("volume_ul", 0) + keeps) * board.SHOT_LIMIT_MS // (
        board.VOLUME_RANGE_UL[1] + keeps)
    return max(ms, clean.get("preinfusion_ms", 0)) + _AGAIN_MS


def _names(rules):
    return ", ".join(name for name in rules if rules[name])
