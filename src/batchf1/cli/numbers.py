"""Parsing of numbers as people write them, 0.5, 0,5 or 50%; like `docs/explorer/numbers.js`."""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError

FORM = re.compile(r"([+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+))(?:[eE]([+-]?\d{1,4}))?(\s*%)?", re.ASCII)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
"""A comma that may be a decimal comma as well as a separator of thousands."""


def number(text: str) -> float:
    """Return the value of a number that may have a decimal comma or end in a percent sign.

    A type for `argparse`: raises `ArgumentTypeError` with one line for other texts, for what is not
    finite, and for a comma that may separate thousands, as in `1,400` (but not in `0,935`).

    >>> number("50%"), number("1,4"), number("0.5")
    (0.5, 1.4, 0.5)
    """
    match = FORM.fullmatch(text.strip())
    rule = f"must be a number such as 0.5, 0,5 or 50%; got {text.strip() or 'nothing'}"
    if match is None:
        raise ArgumentTypeError(rule)
    digits, power, percent = match.groups()
    if THOUSANDS.fullmatch(digits):
        either = f"{digits.replace(',', '')} or {digits.replace(',', '.')}"
        raise ArgumentTypeError(f"must be {either}, as the comma can mean both; got {text.strip()}")
    # the percent sign goes into the exponent, so that 1.1% is the float nearest to 0.011
    value = float(f"{digits.replace(',', '.')}e{int(power or 0) - (2 if percent else 0)}")
    if not math.isfinite(value):
        raise ArgumentTypeError(rule)
    return value
