"""The commands in one tree."""

from __future__ import annotations

from collections.abc import Callable

import typer

from host_bridge.cli import act, board, line, look, serve
from host_bridge.cli.common import Config, Data, Json
from host_bridge.cli.resend import resend

EPILOG = "Settings: coffee.toml and COFFEE_* variables, see docs/operating.md."

app = typer.Typer(
    name="host_bridge",
    help="Connects coffee machines (MQTT) with the ERP: facts in, orders out, nothing lost.\n\n"
    "Start with `run`; look with `machines`, `brews`, `checkpoints`; act with `brew`, "
    "`recipe put`, `checkpoints review`, `quarantine replay`. Looking works with the bridge up "
    "or down; acting asks the running bridge.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold a token
    rich_markup_mode="markdown",
    add_completion=False,
)
checkpoints = typer.Typer(help="What a person must look at: alarms, lost facts, new machines.")
recipe = typer.Typer(help="Recipes in the machines' slots 0 to 15.")
quarantine = typer.Typer(help="Messages that could not be taken, byte for byte.")
app.add_typer(checkpoints, name="checkpoints")
app.add_typer(recipe, name="recipe")
app.add_typer(quarantine, name="quarantine")
app.add_typer(board.app, name="board")

app.command()(serve.run)
app.command()(serve.broker)
app.command()(line.gateway)
app.command()(serve.token)
app.command()(serve.login)
app.command()(look.check)
app.command()(resend)
app.command()(look.machines)
app.command()(look.brews)
app.command()(act.brew)
checkpoints.command("list")(look.checkpoints)
checkpoints.command("review")(act.review)
recipe.command("list")(look.recipes)
recipe.command("show")(look.recipe)
recipe.command("put")(act.recipe_put)
recipe.command("import")(act.recipe_import)
recipe.command("delete")(act.recipe_delete)
quarantine.command("list")(look.quarantine)
quarantine.command("show")(look.quarantined)
quarantine.command("replay")(act.replay)
quarantine.command("discard")(act.discard)


def _lists(group: typer.Typer, show: Callable[..., None]) -> None:
    """A group without a command lists what there is."""

    @group.callback(invoke_without_command=True)
    def listing(
        context: typer.Context, config: Config = None, data: Data = None, as_json: Json = False
    ) -> None:
        if context.invoked_subcommand is None:
            show(config=config, data=data, as_json=as_json)


_lists(checkpoints, look.checkpoints)
_lists(recipe, look.recipes)
_lists(quarantine, look.quarantine)
