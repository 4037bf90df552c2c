"""Prose of a typst file: what a reader sees of it, without its code, formulas and raw text."""

import re

LINE = ("let", "import", "show", "set")


def prose(source: str) -> str:
    """Return the text of the markup, that in arguments of functions included."""
    for hidden in (
        r"```.*?```",
        r"`[^`]*`",
        r"(?m)(?<!:)//.*$",
        r"\$[^$]*\$",
        r"<[\w-]+>",
        r"@\w+",
    ):
        source = re.sub(hidden, " ", source, flags=re.DOTALL)
    return Reader(source).markup()


def formulas(source: str) -> str:
    """Return the formulas of the markup."""
    return " ".join(re.findall(r"\$[^$]*\$", source))


class Reader:
    """Reader of a file that goes through markup and code in turns."""

    def __init__(self, source: str) -> None:
        self.source, self.at = source, 0

    def markup(self, end: str = "") -> str:
        """Read until the bracket that ends the markup, and return its text."""
        text = ""
        while self.at < len(self.source):
            sign = self.source[self.at]
            self.at += 1
            if sign == end:
                break
            text += self.code() if sign == "#" else sign
        return text

    def code(self) -> str:
        """Read one expression after `#`, and return the text of the markup in it."""
        name = re.compile(r"[\w.-]*").match(self.source, self.at)
        self.at = name.end()
        if name[0] in LINE:
            return self.until_end_of_line()
        text = " "
        while self.source[self.at : self.at + 1] in ("(", "["):
            text += self.group()
            method = re.compile(r"\.[a-z]+(?=\()").match(self.source, self.at)
            self.at = method.end() if method else self.at
        return text

    def until_end_of_line(self) -> str:
        """Read a statement, whose groups may have several lines."""
        text = ""
        while self.at < len(self.source) and self.source[self.at] != "\n":
            text += self.one()
        return text

    def one(self) -> str:
        """Read a string, a group or a sign of code."""
        sign = self.source[self.at]
        if sign in "([{":
            return self.group()
        string = re.compile(r'"(\\.|[^"\\])*"').match(self.source, self.at)
        self.at = string.end() if string else self.at + 1
        return ""

    def group(self) -> str:
        """Read what stands in brackets of one kind."""
        start = self.source[self.at]
        self.at += 1
        if start == "[":
            return self.markup("]") + " "
        text, end = "", {"(": ")", "{": "}"}[start]
        while self.source[self.at] != end:
            text += self.one()
        self.at += 1
        return text
