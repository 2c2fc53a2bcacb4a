"""Writes the plate of the tutorial: images of cells in wells of two treatments, drawn from a seed.

python -m flows.example plate/ --seed 1
"""

from pathlib import Path
from typing import Annotated

import typer

from flows.terminal.command import make_console
from tasks.core.errors import UserError
from tasks.ingest.example_field import CHANNELS
from tasks.ingest.example_plate import write_plate


def write(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the images, new or empty.")],
    *,
    seed: Annotated[int, typer.Option(help="Another seed draws other cells.", min=0)] = 0,
) -> None:
    """Write the plate of docs/tutorial.md, 24 fields of two channels, and say what it holds."""
    try:
        fields = write_plate(folder, seed=seed)
    except UserError as error:
        make_console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
    wells = len({field.name.partition("_")[0] for field in fields})
    size = sum(path.stat().st_size for path in folder.iterdir())
    make_console().print(
        f"{len(fields)} fields of {wells} wells, channels {' and '.join(CHANNELS)}: {size / 1e6:.0f} MB in {folder}",
        markup=False,
        highlight=False,
    )


def main() -> None:
    """Run the command line."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(write)
    app(prog_name="python -m flows.example")


if __name__ == "__main__":
    main()
