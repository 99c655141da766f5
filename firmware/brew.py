# The shot: from a committed request to the last drop. Decides phases and stops; hydraulics.py
# moves the water, interlocks.py may end it at any tick. Nothing here touches a pin.

# why a request was not taken: live.answer is 1 + the index here, 0 when it was taken
REFUSALS = (
    "remote_disabled", "cup_missing", "interlock", "busy", "not_ready", "water", "standby",
    "safe_mode", "tray", "door", "hopper", "no_recipe", "unsupported", "not_standing",
)
# why a shot ended before its time: the shot word `reason` is 0 for none, else 1 + the index here;
# live.ALARM_NAMES follow on (reason 1 + len(REASONS) + alarm bit)
REASONS = ("button", "command", "temperature", "reset")
