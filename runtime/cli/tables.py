"""Tables on the screen and in pipes, all drawn alike: titles from field names, no colours, wide where nobody limits it."""

from collections.abc import Iterable, Sequence

PIPE_COLUMNS = 1000
"""Where the output is no terminal a row is a line, whatever its length."""


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """Print rows under their titles; columns named in `right` are aligned to the right. Without rows: the title and "none"."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=PIPE_COLUMNS)
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        console.print(table)
    else:
        console.print(f"{title}: none")


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print `name  value` lines, values beneath each other."""
    lines = list(pairs)
    width = max((len(name) for name, _ in lines), default=0)
    for name, value in lines:
        print(f"{name:<{width}}  {value}")
