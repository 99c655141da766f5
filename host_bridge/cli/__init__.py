"""The command line: `coffee-bridge --help`.

Looking (machines, brews, checkpoints, recipe list, quarantine list) reads the data folder, so it
works whether the bridge runs or not. Acting (brew, recipe put, review, replay …) asks the running
bridge over its HTTP API with the token of the data folder. No logic beyond showing and asking.
"""

from host_bridge.cli.main import app

__all__ = ["app"]
