# The finished shot's words as a brew fact. Only translates.
import board
from brew import REASONS
from live import ALARM_NAMES, RESULT_NAMES, SHOT_WORDS

SOURCES = ("local", "remote")
_WORDS = len(SHOT_WORDS)


def word(live, index, name):
    # index: which of the summaries in live.shots
    return live.shots[index * _WORDS + SHOT_WORDS.index(name)]


def brew_fact(live, clock, index, command):
    # command: id of the command that asked for it, or None
    fact = {
        "kind": "brew", "shot": word(live, index, "shot"), "slot": str(word(live, index, "slot")),
        "recipe_rev": word(live, index, "recipe_rev"),
        "source": SOURCES[word(live, index, "source")], "command": command,
        "start_uptime_ms": clock.uptime_of(word(live, index, "start_ms")),
        "result": RESULT_NAMES[word(live, index, "result")],
        "reason": _reason(word(live, index, "reason")),
    }
    for name in ("duration_ms", "volume_ul", "temp_mean_mc", "energy_j"):
        fact[name] = word(live, index, name)
    if board.HX711_DOUT is not None:
        fact["weight_mg"] = _poured(live, index, "weight_mg")
    if board.ADC_PRESSURE is not None:
        for name in ("pressure_peak_mbar", "pressure_mean_mbar"):
            fact[name] = _poured(live, index, name)
    return fact


def _poured(live, index, name):
    # None when no water ran: the scale was not even tared
    return word(live, index, name) if word(live, index, "duration_ms") else None


def _reason(number):
    if not number:
        return None
    if number <= len(REASONS):
        return REASONS[number - 1]
    return ALARM_NAMES[number - 1 - len(REASONS)]
