"""Coffee 2900: pressure transducer and scale, recipes as profiles of phases."""

from __future__ import annotations

from host_bridge.connector.backend import coffee2900
from host_bridge.connector.mappers.common import BrewMapper, RecipeMapper


@coffee2900
class BrewMapper2900(BrewMapper):
    """Weight and pressure may be missing in a fact: a faulty sensor does not stop a brew."""

    direct = ("weight_mg", "pressure_peak_mbar", "pressure_mean_mbar")


@coffee2900
class RecipeMapper2900(RecipeMapper):
    needed = ("temp_mc",)
