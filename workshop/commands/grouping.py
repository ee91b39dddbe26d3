"""How `spans --help` lists the commands, and how a usage error names what was typed."""

import os
from typing import Any

import typer
import typer.core

# The commands by what they are for, as the Makefile groups them.
GROUPS = {
    "Run the system": ("up", "down", "status", "logs", "doctor", "clean"),
    "Find the slow query": ("checkout", "trace", "diagnose", "neighbours", "hunt", "explain", "fix", "break", "diff"),
    "Change it": ("scenarios", "teach", "deploy", "set", "rollback", "changes", "price", "reset"),
    "Load": ("load", "load-ui"),
    "Trust it": ("audit", "refund", "dead-letters", "retry", "chaos"),
    "Work on it": ("test", "lint", "bench"),
}
# What a person typed who called by way of make: an option's name there.
MAKE_NAMES = {
    **{"count": "N", "items": "ITEMS", "card": "CARD", "users": "USERS", "rate": "RATE", "duration": "DURATION"},
    **{"seed": "SEED", "second": "SECOND", "settle": "SETTLE", "level": "LEVEL", "which": "ID", "a": "A", "b": "B"},
    **{"service": "SERVICE", "release": "RELEASE", "assignments": "SET", "name": "NAME"},
    **{"sku": "ID", "cents": "CENTS"},
}


class Grouped(typer.core.TyperGroup):
    """Lists the commands in their groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A section for each group, one for what is in none."""
        left = [name for name in self.list_commands(ctx) if not any(name in names for names in GROUPS.values())]
        for title, names in {**GROUPS, "Others": tuple(left)}.items():
            rows = [
                (name, command.get_short_help_str(90)) for name in names if (command := self.get_command(ctx, name))
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; a usage error names what was typed: `N=` where make was called, and not `--count`."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            name = MAKE_NAMES.get(str(getattr(error.param, "name", "")))
            if name and "MAKELEVEL" in os.environ:
                error.param_hint = f"{name}="
            raise
