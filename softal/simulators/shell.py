"""Commands for the shell: what is filled in is quoted as its place asks, so that a text stays one and runs nothing.

    run {x}      the shell's own quotes are put around it
    run '{x}'    a single quote in it is written as '\\''
    run "{x}"    a backslash stands before each of \\ " $ `

Where the shell reads its text in yet another way, only numbers are filled in (`refuses`): they run nothing anywhere.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from softal.simulators.placeholders import PLACEHOLDER, formatted

BARE, SINGLE, DOUBLE = "", "'", '"'
# Places in which a text cannot be quoted.
ESCAPED, COMMENT, BACKTICKS = "after a backslash", "in a comment", "in backticks"
NESTED, ARITHMETIC = "in or after `$(` in double quotes", "in or after `$((`"
DOCUMENT, ANSI = "in or after a here-document", "in or after $'"
# Operators that stand alone, redirections, variables, substitutions, home folders, variables set for one command.
_SYNTAX = re.compile(
    r"(?<!\S)(?:\|\|?|&&?|;)(?!\S)|(?<!\S)\d?(?:>>?|<)(?:&\d)?(?:(?!\S)|(?=[\w./]))|;(?=\s|$)|\$\w+|\$\{\w+\}|\$\(|`"
    r"|(?<!\S)~(?=/)|^\s*\w+=\S*"
)
# A word that is nothing but a name or a path, as far as the shell goes.
_WORD = re.compile(r"(?<![^\s<;&|(])[\w./+,@%-]+(?=[\s;&|)<>]|$)")
_MODULE = re.compile(r"(?<!\S)module\s+(?:load|add|use|purge|swap|switch)\b")
SHELLS = ("sh", "dash", "bash", "ksh", "zsh")  # that read quotes alike
QUOTABLE = (BARE, SINGLE, DOUBLE)


def refuses(text: str, name: str, value: object) -> str | None:
    """Say where in a command the placeholder `{name}` takes numbers only, for a value that is none; else None."""
    if isinstance(value, int | float):
        return None
    places = (place for found, place in _places(text) if found[1] == name and place not in QUOTABLE)
    place = next(places, None)
    return place and (
        f"numbers, for {{{name}}} {place} in a command of the shell, where a text could run as one; a text goes "
        f'as `environment: {{VALUE: "{{{name}}}"}}`, and $VALUE in the command'
    )


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Return a command of the shell with each placeholder replaced, quoted as its place asks.

    Raises:
        ValueError: for a text where it cannot be quoted, and for a value that has no such format.
    """
    parts, end = [], 0
    for found, place in _places(text):
        if refused := refuses(text, found[1], values[found[1]]):
            raise ValueError(f"{values[found[1]]!r} is given; allowed: {refused}")
        filled = formatted(found, values)
        parts += [text[end : found.start()], _quoted(filled, place) if place in QUOTABLE else filled]
        end = found.end()
    return "".join([*parts, text[end:]])


def syntax_in(text: str) -> list[str]:
    """Return what in a command only a shell understands, outside of quotes; a program would get it as an argument."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"|\\\\.", "''", text)
    return [found[0] for found in _SYNTAX.finditer(PLACEHOLDER.sub("x", bare))]


def needs_login(text: str) -> bool:
    """Return whether a command has `module load`, a function that login shells know."""
    return _MODULE.search(text) is not None


def words_in(text: str) -> Iterator[re.Match[str]]:
    """Give the names and paths that stand outside of quotes in a command, but for what is written to (`> out`)."""
    bare, place, at = set[int](), BARE, 0
    while at < len(text):
        if found := PLACEHOLDER.match(text, at):
            at = found.end()
            continue
        if place == BARE:
            bare.add(at)
        place, read = _after(text, at, place)
        at += read
    for word in _WORD.finditer(text):
        if word.start() in bare and not text[: word.start()].rstrip().endswith(">"):
            yield word


def with_paths(text: str, path_of: Callable[[str], Path | None]) -> str:
    """Return a command in which words stand for files: those for which `path_of` has a path are that."""
    parts, end = [], 0
    for word in words_in(text):
        if (path := path_of(word[0])) is not None:
            parts += [text[end : word.start()], shlex.quote(str(path))]
            end = word.end()
    return "".join([*parts, text[end:]])


def _quoted(value: str, place: str) -> str:
    if place == SINGLE:
        return value.replace("'", r"'\''")
    return re.sub(r'[\\"$`]', r"\\\g<0>", value) if place == DOUBLE else shlex.quote(value)


def _places(text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Give each placeholder with the place in which the shell reads it: one of those above."""
    place, at = BARE, 0
    while at < len(text):
        found = PLACEHOLDER.match(text, at)
        if found:
            if found[1]:
                yield found, place
            at = found.end()
            continue
        place, read = _after(text, at, place)
        if read > 1 and text[at] == "\\" and (hidden := PLACEHOLDER.match(text, at + 1)) and hidden[1]:
            yield hidden, ESCAPED
            read = hidden.end() - at
        at += read


def _after(text: str, at: int, place: str) -> tuple[str, int]:
    """Return the place after what stands at a position, and how many characters that is."""
    here, two = text[at], text[at : at + 2]
    match place:
        case "":
            if here in "'\"":
                return here, 1
            if two == "$'":
                return ANSI, 2
            if text[at : at + 3] == "$((":
                return ARITHMETIC, 3
            if here == "`":
                return BACKTICKS, 1
            if two == "<<":
                return (BARE, 3) if text[at : at + 3] == "<<<" else (DOCUMENT, 2)
            if here == "#" and (at == 0 or text[at - 1] in " \t\n;&|("):
                return COMMENT, 1
        case "'":
            return (BARE, 1) if here == "'" else (place, 1)
        case '"':
            if here == '"':
                return BARE, 1
            if two == "$(" or here == "`":
                return NESTED, 1
        case "in backticks":
            if here == "`":
                return BARE, 1
        case "in a comment":
            return (BARE, 1) if here == "\n" else (place, 1)
    return place, 2 if here == "\\" and place != COMMENT else 1
