"""A sentence, figures and tables for the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def show_tables(
    headline: str, facts: Mapping[str, str], tables: Sequence[tuple[Sequence[str], Sequence[Sequence[str]]]]
) -> None:
    """Print the sentence, the figures by name, and each table that has rows."""
    from rich.table import Table
    from rich.text import Text

    from alpacabench.security.console import Console

    console = Console()
    console.print(Text(headline, "bold"))
    for name, value in facts.items():
        console.print(Text(f"  {name}: {value}"))
    for header, rows in tables:
        if rows:
            table = Table(*header)
            for row in rows:
                table.add_row(*map(Text, row))
            console.print(table)
