"""A page of labelled, wrapped lines: plain in a pipe, coloured in a terminal, the same words."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import wrap

LABEL = 11


def plain(text: str) -> str:
    """Text without control characters: what comes from a project can't reach past its line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


@dataclass(slots=True)
class Page:
    """Lines of (style, text) pieces, wrapped to a width; styles are rich's names."""

    width: int = 80
    lines: list[list[tuple[str, str]]] = field(default_factory=list)

    def title(self, text: str) -> None:
        """A bold line."""
        self.lines.append([("bold", plain(text))])

    def gap(self) -> None:
        """An empty line."""
        self.lines.append([])

    def labelled(self, label: str, texts: list[str], style: str = "") -> None:
        """A label with its lines beside it, wrapped under themselves."""
        for text in texts:
            self.row([(label, LABEL, "cyan"), (text, 0, style)])
            label = ""

    def row(self, cells: list[tuple[str, int, str]], indent: int = 0) -> None:
        """One row of (text, width, style); the last cell takes what is left and wraps."""
        cells = [(plain(text), width, style) for text, width, style in cells]
        taken = indent + sum(width for _, width, _ in cells[:-1])
        text, _, style = cells[-1]
        wrapped = wrap(text, max(20, self.width - taken), break_on_hyphens=False) or [""]
        head = [(shade, cell.ljust(width - 1) + " ") for cell, width, shade in cells[:-1]]
        self.lines.append([("", " " * indent), *head, (style, wrapped[0])])
        self.lines += [[("", " " * taken), (style, more)] for more in wrapped[1:]]

    def plain(self) -> str:
        """The page as text, without trailing blanks."""
        lines = ("".join(piece for _, piece in line).rstrip() for line in self.lines)
        return "\n".join(lines) + "\n"

    def coloured(self) -> str:
        """The page with the terminal's colours."""
        from rich.console import Console
        from rich.text import Text

        console = Console(force_terminal=True, width=self.width + 1, highlight=False)
        with console.capture() as capture:
            for line in self.lines:
                pieces = [(piece, style) if style else piece for style, piece in line]
                console.print(Text.assemble(*pieces), soft_wrap=True)
        return capture.get()
