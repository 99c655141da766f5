"""Coffee 1900: volumetric, no pressure transducer, no scale."""

from __future__ import annotations

from host_bridge.connector.backend import coffee1900
from host_bridge.connector.mappers.common import BrewMapper, RecipeMapper


@coffee1900
class BrewMapper1900(BrewMapper):
    """A volume is all it measures in the cup."""


@coffee1900
class RecipeMapper1900(RecipeMapper):
    needed = ("temp_mc", "volume_ul")
