"""`--config FILE`: defaults for options, from a TOML file.

Keys at the top level hold for every command that has such an option; a table named after
a command holds for that command alone and wins.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

Parsers = Mapping[str, argparse.ArgumentParser]


def configure(parsers: Parsers, arguments: Sequence[str]) -> None:
    """Set the defaults of the command that is about to run; nothing without `--config`.

    A file that cannot be read, a key that no command knows or a value of the wrong kind
    ends the program as wrong usage does: a misspelt key must not be ignored in silence.
    """
    parser = parsers.get(arguments[0]) if arguments else None
    if parser is None:
        return
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    finder.add_argument("--config", type=Path)
    try:
        path = finder.parse_known_args(arguments)[0].config
    except argparse.ArgumentError:
        return  # the command's own parser will say what is wrong
    if path is not None:
        parser.set_defaults(**_defaults(parsers, arguments[0], path))


def _defaults(parsers: Parsers, name: str, path: Path) -> dict[str, object]:
    parser = parsers[name]
    content = _read(parser, path)
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    for table in set(tables) - set(parsers):
        parser.error(f"--config {path}: no command is called {table!r}")
    everywhere = {key: value for key, value in content.items() if key not in tables}
    every = {dest for each in parsers.values() for dest in _options(each)}
    for key in everywhere:
        if _dest(key) not in every:
            parser.error(f"--config {path}: no option is called {key!r}")
    for key in tables.get(name, {}):
        if _dest(key) not in _options(parser):
            parser.error(f"--config {path}: {name} has no option {key!r}")
    own = {_dest(key): value for key, value in (everywhere | tables.get(name, {})).items()}
    wanted = {dest: own[dest] for dest in own.keys() & _options(parser).keys()}
    return {dest: _checked(parser, path, dest, value) for dest, value in wanted.items()}


def _read(parser: argparse.ArgumentParser, path: Path) -> dict[str, object]:
    import tomllib  # few runs have a configuration file

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        parser.error(f"--config {path}: {error.strerror}")
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        parser.error(f"--config {path}: {error}")


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    actions = parser._actions  # noqa: SLF001  argparse has no public list of its options
    return {action.dest: action for action in actions if action.option_strings}


def _dest(key: str) -> str:
    return key.replace("-", "_")


def _checked(parser: argparse.ArgumentParser, path: Path, dest: str, value: object) -> object:
    """The value as the option takes it; a flag wants true or false."""
    action = _options(parser)[dest]
    if action.nargs == 0:
        if not isinstance(value, bool):
            parser.error(f"--config {path}: {dest} is true or false")
        return value
    if action.choices is not None and value not in action.choices:
        parser.error(f"--config {path}: {dest} must be one of {', '.join(action.choices)}")
    return str(value)
