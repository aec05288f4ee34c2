"""PowerShell scripts as syntax trees, for tests of what a script does and does not do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Call:
    """A command of a script: its name as written, and its arguments as written."""

    name: str
    arguments: tuple[str, ...]


class Script:
    """A parsed script; skips the test where no parser is installed."""

    def __init__(self, source: bytes) -> None:
        treesitter: Any = pytest.importorskip("tree_sitter")
        grammar: Any = pytest.importorskip("tree_sitter_powershell")
        parser = treesitter.Parser(treesitter.Language(grammar.language()))
        self._source = source
        self._root = parser.parse(source).root_node

    def mistakes(self) -> list[str]:
        """Where the text is no PowerShell."""
        return [
            f"line {node.start_point[0] + 1}: {self.text(node)[:80]}"
            for node in self.nodes()
            if node.is_error or node.is_missing
        ]

    def calls(self) -> Iterator[Call]:
        """Every command, in its order."""
        for node in self.nodes("command"):
            name, *rest = (child for child in node.children if child.type != " ")
            if name.type == "command_invokation_operator":
                name, *rest = rest
            arguments = tuple(self._arguments(rest))
            yield Call(self.text(name).strip(), arguments)

    def _arguments(self, nodes: list[Any]) -> Iterator[str]:
        for node in nodes:
            if node.type == "command_elements":
                yield from self._arguments(node.children)
            elif node.type != "command_argument_sep":
                yield self.text(node).strip()

    def functions(self) -> set[str]:
        """The functions that the script declares itself."""
        return {self.text(node) for node in self.nodes("function_name")}

    def members(self) -> Iterator[tuple[str, str]]:
        """Every method that is called: its name, and the whole call."""
        for node in self.nodes("invokation_expression"):
            name = next(child for child in node.children if child.type == "member_name")
            yield self.text(name), self.text(node)

    def nodes(self, kind: str | None = None) -> Iterator[Any]:
        """Every node of the tree, or those of a kind."""
        waiting = [self._root]
        while waiting:
            node = waiting.pop()
            if kind is None or node.type == kind:
                yield node
            waiting.extend(reversed(node.children))

    def text(self, node: Any) -> str:  # noqa: ANN401  # the parser has no stubs
        """What stands there."""
        return self._source[node.start_byte : node.end_byte].decode()
