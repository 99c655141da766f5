"""The commands in one tree."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Any

import typer
from typer.models import OptionInfo

from host_bridge.cli import act, board, line, look, serve
from host_bridge.cli.resend import resend

EPILOG = "Settings: coffee.toml and COFFEE_* variables; see docs/operating.md."

app = typer.Typer(
    name="host_bridge",
    help="Connects coffee machines (over MQTT) to the ERP: facts in, orders out, nothing lost.\n\n"
    "Start with `run`. Look with `machines`, `brews`, `checkpoints`: this works with the bridge "
    "up or down. Act with `brew`, `recipe put`, `checkpoints review`, `quarantine replay`: this "
    "needs the bridge running.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # locals may hold a token
    rich_markup_mode="markdown",
    add_completion=False,
)
checkpoints = typer.Typer(help="What needs attention: alarms, lost facts, new machines.")
recipe = typer.Typer(help="Recipes in the machines' slots, 0 to 15.")
quarantine = typer.Typer(help="Messages that could not be processed, kept byte for byte.")
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


@app.callback()
def _say_what_can_be_said() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale without – must not end a list


def _lists(group: typer.Typer, show: Callable[..., None]) -> None:
    """A group without a command lists what there is; it takes the options of its `list`."""

    def listing(context: typer.Context, **options: Any) -> None:
        if context.invoked_subcommand is None:
            show(**options)
        else:
            _refuse_idle(context)

    options = [
        one for one in inspect.signature(show, eval_str=True).parameters.values()
        if any(isinstance(meta, OptionInfo) for meta in one.annotation.__metadata__)
    ]  # fmt: skip
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    context = inspect.Parameter("context", kind, annotation=typer.Context)
    signed: Any = listing  # typer reads a command's options from its signature
    signed.__signature__ = inspect.Signature([context, *options])
    signed.__annotations__ = {one.name: one.annotation for one in (context, *options)}
    group.callback(invoke_without_command=True)(listing)


def _refuse_idle(context: typer.Context) -> None:
    """An option of the list before another command would be lost without a word."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            command = context.invoked_subcommand
            raise typer.BadParameter(
                f"it has no effect before `{command}`; put it after",
                param_hint=parameter.opts[0],
            )


_lists(checkpoints, look.checkpoints)
_lists(recipe, look.recipes)
_lists(quarantine, look.quarantine)
