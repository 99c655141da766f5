# Recipes of a volumetric machine: slots, revisions, limits, power cuts.
import json

import board
import files
import plan
import recipe_rules
from factory_recipes import RECIPES
from plan import Plan
from ramflash import Board, every_cut
from recipes import BYTES_MAX, Full, Recipes, slot_name

GOOD = {"name": "Mine", "temp_mc": 92000, "volume_ul": 36000, "preinfusion_ms": 2000}


def make(button_slot=0):
    return Recipes(Plan(), Plan(), {"button_slot": button_slot})


def fields(recipe):
    return [field for field, message in recipe_rules.check(recipe)[1]]


def slots(recipes):
    return sorted(recipes.texts, key=int)


def test_a_new_machine_brews_the_factory_recipes():
    flash = Board()
    recipes = make()
    assert slots(recipes) == sorted(RECIPES, key=int) and recipes.rev == 0
    for slot in RECIPES:
        clean, problems, ignored = recipe_rules.check(RECIPES[slot])
        assert clean == RECIPES[slot] and not problems and not ignored, (problems, ignored)
        assert recipes.get(slot) == RECIPES[slot]
    assert recipes._button.loaded
    flash.close()


def test_changes_survive_and_count():
    flash = Board()
    recipes = make()
    assert recipes.put("15", GOOD) == 1
    assert recipes.delete("1") == 2 and recipes.delete("1") is None
    again = make()
    assert again.rev == 2 and slots(again) == ["0", "2", "15"] and again.get("15") == GOOD
    message = json.loads(again.message())
    assert message["v"] == 1 and message["rev"] == 2 and message["slots"]["15"] == GOOD
    assert b"".join(again.pieces()) == again.message() and len(again.message()) < BYTES_MAX
    flash.close()


def test_an_emptied_machine_stays_empty():
    flash = Board()
    recipes = make()
    for slot in slots(recipes):
        recipes.delete(slot)
    assert slots(make()) == [] and not make()._button.loaded
    flash.close()


def test_slot_0_is_a_slot_like_any_other():
    assert slot_name(0) == slot_name("0") == "0" and slot_name(15) == "15"
    for bad in (None, "", "00", "16", -1, 16, True, 0.0, [], {}, " 1", "1 "):
        assert slot_name(bad) is None, bad
    flash = Board()
    recipes = make()
    recipes.delete("0")
    recipes.put("0", GOOD)
    assert recipes.load("0") == [] and recipes._plan.words()[plan.SLOT] == 0
    flash.close()


def test_the_button_has_its_slot_loaded_always():
    flash = Board()
    recipes = make(button_slot=2)
    assert recipes._button.words()[plan.SLOT] == 2
    recipes.put("2", GOOD)
    assert recipes._button.words()[plan.TEMP_MC] == 92000
    assert recipes._button.words()[plan.REV] == 1
    recipes.put("3", GOOD)
    assert recipes._button.words()[plan.REV] == 1  # not its slot
    recipes.delete("2")
    assert not recipes._button.loaded
    flash.close()


def test_every_power_cut_of_a_change_leaves_all_old_or_all_new():
    flash = Board()
    make().put("4", GOOD)
    new = dict(GOOD)
    new["name"] = "Newer"

    def check(finished):
        got = make()
        assert (got.rev, got.get("4")) in ((1, GOOD), (2, new))
        assert got.rev == 2 or not finished
        assert slots(got) == ["0", "1", "2", "4"]

    assert every_cut(flash, lambda: make().put("4", new), check) > 4
    flash.close()


def test_more_than_the_message_holds_is_refused_and_nothing_changes():
    flash = Board()
    recipes = make()
    big = dict(GOOD)
    big["name"] = "ÄÖÜ" * 10
    big["more"] = "x" * 3900
    try:
        recipes.put("9", big)
        assert False
    except Full as e:
        assert "4096" in str(e)
    assert recipes.rev == 0 and make().rev == 0 and "9" not in recipes.texts
    flash.close()


def test_a_damaged_store_falls_back_to_the_older_generation_then_to_the_factory():
    flash = Board()
    recipes = make()
    recipes.put("9", GOOD)
    recipes.put("10", GOOD)
    with open("recipes", "r+b") as f:
        f.write(b"?")
    assert slots(make()) == ["0", "1", "2", "9"]
    files.remove("recipes")
    files.replace("recipes", b'{"v":1,"rev":"x","slots":[]}')
    assert slots(make()) == ["0", "1", "2"]
    flash.close()


def test_what_a_volumetric_machine_cannot_do_is_named():
    low, high = board.BREW_RANGE_MC

    def but(**changes):
        recipe = dict(GOOD)
        recipe.update(changes)
        return fields({k: v for k, v in recipe.items() if v is not None})

    assert but() == []
    assert but(name=None) == but(name="") == but(name="x" * 33) == but(name=7) == ["recipe.name"]
    assert but(name="a\nb") == ["recipe.name"]
    for bad in (low - 1, high + 1, None, "93000", 93.0, True, 10**20, -5):
        assert but(temp_mc=bad) == ["recipe.temp_mc"], bad
    assert but(temp_mc=low) == but(temp_mc=high) == []
    assert but(volume_ul=None) == but(volume_ul=1) == ["recipe.volume_ul"] * 1
    for bad in (-1, True, "0", 1.0):
        assert but(preinfusion_ms=bad) == ["recipe.preinfusion_ms"], bad
    assert but(preinfusion_ul=5000) == ["recipe.preinfusion_ul"]  # both
    assert but(preinfusion_ms=None, preinfusion_ul=90000) == ["recipe.preinfusion_ul"]
    assert but(soak_ms=10**9) == ["recipe.soak_ms"]
    # a pre-infusion by time takes its time, however little is asked for
    assert but(volume_ul=5000, preinfusion_ms=60000, soak_ms=28000) == ["recipe.soak_ms"]
    assert but(volume_ul=5000, preinfusion_ms=60000, soak_ms=26000) == []
    assert but(phases=[]) == ["recipe.phases"]
    for bad in (None, [], "x", 7):
        assert fields(bad) == ["recipe"]
    assert fields({}) == ["recipe.name", "recipe.temp_mc", "recipe.volume_ul"]


def test_a_message_says_what_would_do():
    for field, message in recipe_rules.check({"name": "x", "temp_mc": 1, "volume_ul": "1"})[1]:
        assert "80000 to 98000" in message or "5000 to 160000" in message, message


def test_unknown_keys_are_left_out_and_told():
    recipe = dict(GOOD)
    recipe.update({"ratio": 2, "wait": {"x": 1}})
    clean, problems, ignored = recipe_rules.check(recipe)
    assert clean == GOOD and not problems and sorted(ignored) == ["recipe.ratio", "recipe.wait"]


def test_the_plan_gets_the_recipe():
    flash = Board()
    recipes = make()
    recipes.put("7", {"name": "x", "temp_mc": 90000, "volume_ul": 50000, "preinfusion_ul": 5000,
                      "soak_ms": 1500})
    assert recipes.load("7") == []
    words = recipes._plan.words()
    assert words[plan.TEMP_MC] == 90000 and words[plan.STOP_UL] == 50000
    assert words[plan.SLOT] == 7 and words[plan.REV] == 1 and words[plan.PHASES] == 3
    assert words[plan.HEAD + plan.X_UL] == 5000
    assert words[plan.HEAD + plan.PHASE + plan.X_MS] == 1500
    assert recipes.load("8") == [("recipe", recipes_message())]
    flash.close()


def recipes_message():
    return recipe_rules.check(None)[1][0][1]
