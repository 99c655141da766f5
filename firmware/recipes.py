# The recipe slots "0" to "15": kept as one file that is replaced whole, published as it is, loaded
# into the tick's plans. What a recipe may be stands in recipe_rules.py.
import json

import files
import recipe_rules
from command import is_int
from factory_recipes import RECIPES
from recipe_rules import BYTES_MAX, SLOTS

_FILE = "recipes"


def slot_name(given):
    # "0".."15" from the text or the number, None for anything else
    name = str(given) if is_int(given) else given
    return name if name in [str(n) for n in range(SLOTS)] else None


class Full(Exception):
    # The slots together would not fit the message.
    pass


class Recipes:
    # plan: plan.Plan for commands.  button: plan.Plan of the brew button, kept loaded here with
    # the slot that config names.
    def __init__(self, plan, button, config):
        self._plan = plan
        self._button = button
        self._config = config
        self.rev = 0
        self.texts = {}  # slot name -> JSON (bytes): a parsed recipe takes four times the room
        if not self._load():
            self._keep({s: files.as_json(RECIPES[s]) for s in RECIPES}, 0)
        self.load_button()

    def _load(self):
        stored = files.read(_FILE)
        try:
            message = json.loads(stored)
            self.rev = message["rev"]
            self.texts = {s: files.as_json(r) for s, r in message["slots"].items()}
        except (ValueError, TypeError, KeyError, AttributeError):
            return False
        return True

    # --- asking
    def get(self, slot):
        # dict, None for an empty slot
        text = self.texts.get(slot)
        return json.loads(text) if text else None

    def pieces(self):
        # the published message, one slot at a time
        return _message(self.texts, self.rev)

    def message(self):
        return b"".join(self.pieces())

    # --- changing; each returns after the new slots are safe on flash
    def put(self, slot, recipe):
        # recipe: clean, from recipe_rules.check(). Returns the new revision. Full: does not fit.
        texts = dict(self.texts)
        texts[slot] = files.as_json(recipe)
        self._keep(texts, self.rev + 1)
        self._changed(slot)
        return self.rev

    def delete(self, slot):
        # returns the new revision, None when the slot was empty
        if slot not in self.texts:
            return None
        texts = dict(self.texts)
        del texts[slot]
        self._keep(texts, self.rev + 1)
        self._changed(slot)
        return self.rev

    def _keep(self, texts, rev):
        size = sum(len(piece) for piece in _message(texts, rev))
        if size > BYTES_MAX:
            raise Full("the slots would take %d bytes of %d" % (size, BYTES_MAX))
        files.replace(_FILE, _message(texts, rev))
        self.texts = texts
        self.rev = rev

    # --- the tick's plans
    def load(self, slot):
        # into the command plan; problems as (field, message), [] when it is loaded
        return _load_into(self._plan, self.get(slot), slot, self.rev)

    def load_button(self):
        # also to be called after config's button_slot changed; an empty slot: nothing to brew
        slot = str(self._config["button_slot"])
        if _load_into(self._button, self.get(slot), slot, self.rev):
            self._button.clear()

    def _changed(self, slot):
        if int(slot) == self._config["button_slot"]:
            self.load_button()


def _load_into(plan, recipe, slot, rev):
    # checked again: the limits may be those of a newer firmware than the recipe's
    clean, problems, _ = recipe_rules.check(recipe)
    if not problems:
        plan.load(clean, int(slot), rev)
    return problems


def _message(texts, rev):
    yield b'{"v":1,"rev":%d,"slots":{' % rev
    comma = b""
    for slot in sorted(texts, key=int):
        yield comma + b'"' + slot.encode() + b'":' + texts[slot]
        comma = b","
    yield b"}}"
