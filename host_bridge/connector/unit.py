"""What every unit has: the models it serves and the environment it works in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from host_bridge.connector.environment import Environment


class ConnectorUnit:
    """Base of mappers, importers, exporters and binders. Lives for one batch of one machine."""

    models: ClassVar[tuple[str, ...]] = ()
    """Names of the binding models it serves."""

    def __init__(self, env: Environment) -> None:
        self.env = env

    @classmethod
    def serves(cls, model: str) -> bool:
        return model in cls.models
