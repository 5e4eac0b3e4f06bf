"""Tables and styled lines on a terminal, their texts cleaned before rich lays them out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich import console
from rich.segment import Segment
from rich.text import Text

from alpacabench.core.printable import printable
from alpacabench.security.output import shown


class Console(console.Console):
    """A rich console that shows text from outside as text: no markup, no emoji, no escape sequence but rich's own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False} | options)

    def render(
        self, renderable: console.RenderableType, options: console.ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what is written; texts are cleaned before they are laid out."""
        if isinstance(renderable, str):
            renderable = shown(renderable)
        elif isinstance(renderable, Text) and (clean := shown(renderable.plain)) != renderable.plain:
            renderable = renderable.copy()
            renderable.plain = clean
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))
