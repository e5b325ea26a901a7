"""Speak `sellergate sandbox`."""

import click

from gate.sandbox_process import become_sandbox


@click.command("sandbox", context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> int:
    """Run the embedded stand-in for staging until Ctrl-C; `sellergate sandbox --help` lists its own options."""
    become_sandbox(arguments)
