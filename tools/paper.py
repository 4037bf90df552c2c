"""Make the paper: `python tools/paper.py paper/paper.typ --output paper/paper.pdf`.

The same bytes each time: typst's own fonts, and the date of the metadata. What stops it, such as a
number whose row is missing, is one line.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from batchf1.errors import InputError, check, one_line, raise_input_error
from batchf1.records import files

ROOT = Path(__file__).parents[1]


def compiled(source: Path, root: Path = ROOT) -> bytes:
    """Return the PDF of a typst file, whose absolute paths begin at `root`.

    Raises `InputError` with typst's message, and without its package.
    """
    check(find_spec("typst") is not None, "the paper", "needs typst: make paper")
    import typst

    files.read(source)
    try:
        made = typst.compile(str(source), root=str(root), ignore_system_fonts=True, format="pdf")
    except typst.TypstError as error:
        message = error.message.removeprefix("panicked with: ")
        raise_input_error(str(source), "cannot be made", "; ".join([message, *error.hints]))
    return bytes(made)


def main(arguments: list[str] | None = None) -> int:
    """Write the PDF; return the exit status."""
    parser = argparse.ArgumentParser(description="Make the paper.")
    parser.add_argument("source", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parsed = parser.parse_args(arguments)
    try:
        made = compiled(parsed.source.resolve())
        with files.replacing(parsed.output) as part:
            part.write_bytes(made)
    except InputError as error:
        sys.stderr.write(f"paper: {one_line(error)}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
