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
from host_bridge.gateway.port import BREW, FACT_MODELS, METER, MODELS, RECIPE, BackendRecord


def test_the_tree_of_the_coffee_machines() -> None:
    assert coffee.versions() == ["1900", "2900"]
    assert (coffee.at("1900"), coffee.at("2900")) == (coffee1900, coffee2900)
    assert coffee1900.parent is coffee and coffee1900.service == "coffee"
    with pytest.raises(UnknownVersion, match="'3100'; known: 1900, 2900"):
        coffee.at("3100")
    with pytest.raises(UnknownVersion):
        coffee.at("")


@pytest.mark.parametrize("backend", [coffee1900, coffee2900])
@pytest.mark.parametrize("model", FACT_MODELS)
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
    of_record: str | None, of_machine: str | None, expected: str
) -> None:
    languages = {"m1": of_machine} if of_machine else {}
    session = Session("en_US", languages)
    record = BackendRecord("m1", "1900", of_record)
    env = get_environment(session, BREW, record)
    assert (env.language, env.backend, env.of(METER).language) == (expected, coffee1900, expected)
    add_checkpoint(env, "x", "look")
    assert session.checkpoints[0].language == expected
    other = get_environment(session, BREW, BackendRecord("m2", "2900", None))
    assert other.language == "en_US"


@pytest.mark.parametrize("model", MODELS)
def test_an_external_id_is_text_and_zero_is_one(model: str) -> None:
    record = BackendRecord("m1", "1900", None)
    binder = get_environment(Session(), model, record).unit(Binder)
    assert binder.checked("0") == "0"
    with pytest.raises(BinderError, match="coffee_id 0 is not text; write it as '0'"):
        binder.checked(0)  # type: ignore[arg-type]
    with pytest.raises(BinderError, match="empty"):
        binder.checked("")
