# A note on flash that a shot has begun, written before its water runs, so that a shot which a
# reset cut off becomes a fact all the same. While water runs nothing is written. It is taken away
# when the shot's own fact is in the journal.
import json

import files

_FILE = "shot"


class ShotMark:
    def __init__(self):
        self.kept = _read()  # what is on flash: dict, or None

    def write(self, note):
        # note: dict with boot, shot, slot, rev, source, command, uptime_ms, utc_ms, temp_mc
        files.mark(_FILE, files.as_json(note))
        self.kept = note

    def clear(self):
        if self.kept is not None:
            files.remove(_FILE)
            self.kept = None

    def is_for(self, boot, shot, source):
        # Without its source, what a refused order left when the flash failed would be taken for
        # the mark of the next shot from the button: they have the same number.
        note = self.kept
        return note is not None and (note["boot"], note["shot"], note["source"]) == (
            boot, shot, source)


def aborted(note):
    # The brew fact of a shot of which nothing but its beginning is known; None: nobody knows.
    return {
        "kind": "brew", "boot": note["boot"], "uptime_ms": note["uptime_ms"],
        "utc_ms": note["utc_ms"], "shot": note["shot"], "slot": note["slot"],
        "recipe_rev": note["rev"], "source": note["source"], "command": note["command"],
        "start_uptime_ms": note["uptime_ms"], "duration_ms": None, "volume_ul": None,
        "temp_mean_mc": note["temp_mc"], "energy_j": None, "result": "aborted", "reason": "reset",
    }


def _read():
    try:
        note = json.loads(files.read_one(_FILE) or b"null")
        return note if note and "temp_mc" in note else None
    except ValueError:
        return None
