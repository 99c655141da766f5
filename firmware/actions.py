# What each command does, once commands.py has let it through: checks its arguments against this
# board, asks the tick, changes recipes or settings. Refuses with field and cure; never decides
# what the interlocks decide.
import board
import config as settings
import live as names
import recipe_rules
from brew import REFUSALS
from command import Refusal, is_int
from recipes import Full, slot_name
from validity import floor_ms

# what the tick does by itself
_PLAIN = {"brew": names.REQ_BREW, "stop": names.REQ_STOP, "standby": names.REQ_STANDBY,
          "wake": names.REQ_WAKE}
_IDENTIFY_MS = 10000
_BACK_MS = 60000  # a signed clock may set it back so far: no two clocks agree

RUNNING = "something pours or fills; send it again when it has ended, or stop it"
# what to do about the tick's refusals, in the order of REFUSALS
_CURES = (
    "the remote key is off; turn it on at the machine",
    "no cup stands there; put one under the spout",
    "an alarm is in the way; see state.latched, remove its cause, acknowledge it",
    RUNNING,
    "not at temperature yet; wait for state ready",
    "the tank is empty; fill it",
    "the machine is asleep; send wake first",
    "safe mode after repeated resets; find out why, then acknowledge reset_storm",
    "the drip tray is full; empty it",
    "the door is open; close it",
    "no beans; fill the hopper",
    "the slot is empty; put a recipe there first",
    "this machine cannot do that; see info.capabilities",
    "that alarm is not latched; see state.latched",
    "the water is too hot for this recipe; lower the set-point, wait, send it again",
)


class Actions:
    # arguments are checked by check(name, args) -> clean args; done by do(name, clean args) ->
    # result dict. Both raise Refusal.
    def __init__(self, live, mailbox, clock, facts, recipes, config):
        self._live = live
        self._mailbox = mailbox
        self._clock = clock
        self._facts = facts
        self._recipes = recipes
        self._config = config
        self.identify_until_ms = 0  # uptime; the LED blinks until then

    def check(self, name, args):
        check = getattr(self, "_check_" + name.replace(".", "_"), None)
        return check(args) if check else args

    def do(self, command, args):
        if command.name in _PLAIN:
            return self._ask(_PLAIN[command.name])
        return getattr(self, "_do_" + command.name.replace(".", "_"))(args)

    def _ask(self, request, arg=0, arg2=0):
        no = self._mailbox.ask(request, arg, arg2, names.SOURCE_REMOTE)
        if no < 0:
            raise Refusal("no_tick", None, "the control loop does not answer; restart the machine")
        if no:
            raise Refusal(REFUSALS[no - 1], None, _CURES[no - 1])
        return {}

    # --- brew
    def _check_brew(self, args):
        return {"slot": _slot(args)}

    def expect_brew(self, command, args):
        # before the tick is asked, flash may be written: loads the plan, notes the coming shot.
        # Returns the result of a brew that is taken.
        slot = args["slot"]
        if slot not in self._recipes.texts:
            raise Refusal("no_recipe", "args.slot", _CURES[REFUSALS.index("no_recipe")])
        for field, message in self._recipes.load(slot):
            raise Refusal("bad_recipe", field, "the stored recipe: " + message)
        return {"shot": self._facts.shot_expected(command.id, slot, self._recipes.rev)}

    # --- cleaning, sleep, alarms
    def _check_clean(self, args):
        program = args.get("program")
        offered = [n for n, p in zip(names.CLEAN_NAMES, board.CLEAN_PROGRAMMES) if p]
        if program not in offered:
            raise Refusal("bad_value", "args.program", "send one of " + ", ".join(offered))
        return {"program": program}

    def _do_clean(self, args):
        return self._ask(names.REQ_CLEAN, names.CLEAN_NAMES.index(args["program"]))

    def _check_alarm_ack(self, args):
        code = args.get("code")
        if code is not None and code not in names.ALARM_NAMES:
            raise Refusal("bad_value", "args.code", "no such alarm; see state.latched, or send {}")
        return {"code": code}

    def _do_alarm_ack(self, args):
        code = args["code"]
        self._ask(names.REQ_ACK, -1 if code is None else names.ALARM_NAMES.index(code))
        return {"latched": [n for k, n in enumerate(names.ALARM_NAMES)
                            if self._live.latched >> k & 1]}

    def _do_identify(self, args):
        self.identify_until_ms = self._clock.uptime_ms() + _IDENTIFY_MS
        return {"blink_ms": _IDENTIFY_MS}

    # --- recipes; flash may be written
    def _check_recipe_put(self, args):
        slot = _slot(args)
        recipe, problems, ignored = recipe_rules.check(args.get("recipe"))
        for field, message in problems:
            raise Refusal("bad_value", "args." + field, message)
        return {"slot": slot, "recipe": recipe, "rev": _rev(args), "ignored": ignored}

    def _do_recipe_put(self, args):
        self._same_rev(args)
        try:
            rev = self._recipes.put(args["slot"], args["recipe"])
        except Full as e:
            raise Refusal("recipes_full", "args.recipe", str(e) + "; delete or shorten another")
        self._recipe_changed(args["slot"], rev, "put")
        result = {"rev": rev}
        if args["ignored"]:
            result["ignored"] = args["ignored"][:8]
        return result

    def _check_recipe_delete(self, args):
        return {"slot": _slot(args), "rev": _rev(args)}

    def _do_recipe_delete(self, args):
        self._same_rev(args)
        rev = self._recipes.delete(args["slot"])
        if rev is None:
            raise Refusal("no_recipe", "args.slot", "the slot is empty already; nothing to do")
        self._recipe_changed(args["slot"], rev, "delete")
        return {"rev": rev}

    def _same_rev(self, args):
        rev = self._recipes.rev
        if args["rev"] not in (None, rev):
            raise Refusal("rev_conflict", "args.rev", "the recipes are at rev %d now; read them, "
                          "then send it again with rev %d" % (rev, rev))

    def _recipe_changed(self, slot, rev, action):
        self._facts.add({
            "kind": "recipe", "slot": slot, "rev": rev, "action": action, "source": "remote",
        })
        self._facts.flush()

    # --- settings; flash may be written after the tick was asked
    def _check_setpoint(self, args):
        clean = {n: args[n] for n in ("brew_mc", "steam_mc") if n in args}
        for name, value in clean.items():
            for _, message in settings.problems({_setting(name): value}):
                raise Refusal("bad_value", "args." + name, message)
        if not clean:
            raise Refusal("missing", "args", "send brew_mc or steam_mc, milli degrees Celsius")
        return clean

    def _do_setpoint(self, args):
        kept = {_setting(n): v for n, v in args.items()}
        self._in_force(kept)
        self._config.put(kept)
        return args

    def _in_force(self, args):
        brew = _now(args, "brew_setpoint_mc", board.BREW_DEFAULT_MC)
        steam = _now(args, "steam_setpoint_mc", board.STEAM_DEFAULT_MC)
        if brew or steam:
            self._ask(names.REQ_SETPOINT, brew, steam)

    def _check_config_put(self, args):
        for field, message in settings.problems(args):
            raise Refusal("bad_value", "args." + field, message)
        if not args:
            raise Refusal("missing", "args", "send at least one setting")
        return args

    def _do_config_put(self, args):
        # the values are not repeated: some are secrets
        self._in_force(args)
        self._config.put(args)
        if "button_slot" in args:
            self._recipes.load_button()
        return {"changed": sorted(args), "restart": settings.needs_restart(args)}

    def _check_update(self, args):
        raise Refusal("unsupported", None, "no update over MQTT; use make flash over the cable")

    # --- time
    def _check_clock(self, args):
        if not is_int(args.get("utc_ms")):
            raise Refusal("wrong_type", "args.utc_ms", "send UTC milliseconds as a whole number")
        if self._config["command_key"] and args.get("boot") != self._clock.boot:
            self._check_advance(args["utc_ms"])
        return args

    def _check_advance(self, utc_ms):
        # An old message with its good signature, sent again, would make all old orders due again.
        # One that names this boot is at least as young.
        known_ms = self._clock.utc_ms()
        if utc_ms < (floor_ms() if known_ms is None else known_ms - _BACK_MS):
            raise Refusal("bad_value", "args.utc_ms", "earlier than it is here; to set it back "
                          "add args.boot, the boot in state")

    def _do_clock(self, args):
        if not self._clock.set_utc(args["utc_ms"]):
            raise Refusal("bad_value", "args.utc_ms",
                          "not between 2026 and 2100; send UTC milliseconds, not seconds")
        return {"utc_ms": args["utc_ms"]}


def _slot(args):
    slot = slot_name(args.get("slot"))
    if slot is None:
        raise Refusal("bad_value", "args.slot", 'send a slot from 0 to 15, as 0 or "0"')
    return slot


def _rev(args):
    rev = args.get("rev")
    if rev is not None and not is_int(rev):
        raise Refusal("wrong_type", "args.rev", "send the number in `recipes`, or leave it out")
    return rev


def _now(args, name, default_mc):
    # what the tick is to be told, 0: nothing
    return args[name] or default_mc if name in args else 0


def _setting(name):
    return name.replace("_mc", "_setpoint_mc")
