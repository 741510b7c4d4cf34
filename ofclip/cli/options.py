"""What all commands share: how errors are told, and the options that several take."""

from __future__ import annotations

from pathlib import Path

import click

from ofclip.errors import OfclipError


class Group(click.Group):
    """A group whose errors are one line on stderr and exit code 2; `--debug` shows the traceback."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except OfclipError as error:
            if context.params.get("debug"):
                raise
            click.echo(f"ofclip: {' '.join(str(error).split())}", err=True)
            context.exit(2)


folder = click.Path(path_type=Path)
data_option = click.option(
    "--data", metavar="DIR", type=folder, help="Data root. Default: $OFCLIP_DATA, else data/."
)
profile_option = click.option(
    "--profile", default="laptop", show_default=True, metavar="NAME", help="Such as smoke, laptop or gpu."
)
skip_option = click.option("--skip-bad", is_flag=True, help="Leave out what is damaged, and list it.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
