"""The tree of backends: registration, inheritance, versions, environment."""

from __future__ import annotations

import pytest

from host_bridge.connector.backend import (
    Backend,
    NoUnit,
    UnknownVersion,
    coffee,
    coffee1900,
    coffee2900,
)
from host_bridge.connector.binder import Binder, BinderError
from host_bridge.connector.checkpoint import add_checkpoint
from host_bridge.connector.environment import Session, get_environment
from host_bridge.connector.importer import FactImporter
from host_bridge.connector.mappers.common import FactMapper, RecipeMapper
from host_bridge.connector.unit import ConnectorUnit
from host_bridge.gateway.port import BREW, METER, MODELS, RECIPE, BackendRecord
from tests.unit.bridge.world import World


def test_the_tree_of_the_coffee_machines() -> None:
    assert coffee.versions() == ["1900", "2900"]
    assert (coffee.at("1900"), coffee.at("2900")) == (coffee1900, coffee2900)
    assert coffee1900.parent is coffee and coffee1900.service == "coffee"
    with pytest.raises(UnknownVersion, match="'3100'; known: 1900, 2900"):
        coffee.at("3100")
    with pytest.raises(UnknownVersion):
        coffee.at("")


@pytest.mark.parametrize("backend", [coffee1900, coffee2900])
@pytest.mark.parametrize("model", [model for model in MODELS if model != RECIPE])
def test_every_version_has_what_an_import_needs(backend: Backend, model: str) -> None:
    for base in (FactImporter, FactMapper, Binder):
        assert issubclass(backend.unit(base, model), base)
    assert issubclass(backend.unit(RecipeMapper, RECIPE), RecipeMapper)


def test_a_version_inherits_and_overrides() -> None:
    tea = Backend("tea")
    tea1, tea2 = Backend(parent=tea, version="1"), Backend(parent=tea, version="2")

    class Steeper(ConnectorUnit):
        models = ("tea.cup",)

    @tea
    class Plain(Steeper):
        pass

    @tea2
    class Hot(Steeper):
        pass

    assert tea1.unit(Steeper, "tea.cup") is Plain
    assert tea2.unit(Steeper, "tea.cup") is Hot
    assert tea.unit(Steeper, "tea.cup") is Plain

    @tea2
    class Hotter(Steeper):
        pass

    assert tea2.unit(Steeper, "tea.cup") is Hotter
    with pytest.raises(NoUnit, match=r"no Steeper for tea\.pot"):
        tea2.unit(Steeper, "tea.pot")


def test_a_backend_needs_a_service_or_a_parent() -> None:
    with pytest.raises(ValueError, match="service"):
        Backend(version="1")


@pytest.mark.parametrize(
    ("of_record", "of_machine", "expected"),
    [("fr_FR", "de_DE", "fr_FR"), (None, "de_DE", "de_DE"), (None, None, "en_US")],
)
def test_language_of_the_environment(
    world: World, of_record: str | None, of_machine: str | None, expected: str
) -> None:
    languages = {"m1": of_machine} if of_machine else {}
    session = Session(world.store, "en_US", languages)
    record = BackendRecord(1, "m1", "1900", of_record)
    env = get_environment(session, BREW, record)
    assert (env.language, env.backend, env.of(METER).language) == (expected, coffee1900, expected)
    add_checkpoint(env, "x", "look")
    assert session.checkpoints[0].language == expected
    other = get_environment(session, BREW, BackendRecord(2, "m2", "2900", None))
    assert other.language == "en_US"


def binder(world: World, model: str = RECIPE) -> Binder:
    return get_environment(Session(world.store), model, world.backend()).unit(Binder)


def test_zero_is_an_external_id(world: World) -> None:
    backend = world.backend()
    values = {"backend_id": backend.id, "coffee_id": "0", "name": "espresso", "recipe": {},
              "rev": 1, "active": True}  # fmt: skip
    (record_id,) = world.store.create_bindings(RECIPE, [values])
    found = binder(world)
    assert found.key("0") == (backend.id, "0")
    assert found.to_internal(["0", "1"]) == {"0": record_id}


def test_an_external_id_is_text(world: World) -> None:
    with pytest.raises(BinderError, match="coffee_id 0 is not text; write it as '0'"):
        binder(world).key(0)  # type: ignore[arg-type]
    with pytest.raises(BinderError, match="empty"):
        binder(world).key("")


def test_a_brew_is_journal_slash_seq(world: World) -> None:
    from host_bridge.connector.binder import FactBinder

    assert isinstance(binder(world, BREW), FactBinder)
    assert FactBinder.coffee_id("9f3a51c2", 0) == "9f3a51c2/0"
