"""The README and the handbook, compared with the program: options, examples, documents, links."""

import argparse
import contextlib
import inspect
import io
import json
import re
import shlex
import sys
import tomllib
import types
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.workflow.bundles import exports, whole, zipped

from patchstand import knowledge
from patchstand.cli.commands.lab import _say_ready_json
from patchstand.cli.main import _parser, main
from patchstand.lab import Lab, all_kinds, estate, lab_in_thread, population
from patchstand.model import Knowledge
from patchstand.observe.probes.https import PATHS
from patchstand.report.catalog import catalog
from patchstand.workflow.lab import LabOptions, _write_files

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SCHEMAS = DOCS / "schema"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
FENCED = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s]+)\)")
COMMON = "common options"
Part = dict[str, Any]
LAB_PORTS = {"https": 8443, "smtp": 2525, "imap": 1143, "pop": 1110}


@dataclass(frozen=True)
class Block:
    """One fenced block of a page; `file` is the name it is saved under, where it has one."""

    kind: str
    text: str
    file: str | None


@dataclass(frozen=True)
class Example:
    """One command line of a page, with the output shown below it."""

    line: str
    shown: tuple[str, ...]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [Block(m["kind"], m["text"], m["file"]) for m in FENCED.finditer(text)]


def examples(block: Block) -> list[Example]:
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and line.strip():
            found[-1][1].append(line)
    return [Example(line, tuple(shown)) for line, shown in found]


# The options


def commands() -> dict[str, argparse.ArgumentParser]:
    subparsers = _parser([])._subparsers
    assert subparsers is not None
    choices = subparsers._group_actions[0].choices
    assert isinstance(choices, dict)
    return choices


def spelled(action: argparse.Action) -> str:
    """An option as the handbook writes it: `--lang {en,de}`, `--as-of DATE`, `TARGET`."""
    choices = ",".join(map(str, action.choices)) if action.choices is not None else None
    if not action.option_strings:
        return choices or str(action.metavar or action.dest)
    name = action.option_strings[-1]
    if action.nargs == 0:
        return name
    return f"{name} {f'{{{choices}}}' if choices else action.metavar or action.dest.upper()}"


def options_of(parser: argparse.ArgumentParser, *, common: bool) -> set[str]:
    return {
        spelled(action)
        for group in parser._action_groups
        if (group.title == COMMON) is common
        for action in group._group_actions
        if action.dest != "help"
    }


def documented(heading: str) -> list[str]:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    section = re.search(
        rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert section is not None, f"docs/commands.md has no section {heading}"
    return re.findall(r"^- `([^`]+)`", section[1], re.MULTILINE)


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_is_documented_with_its_own_options(name: str) -> None:
    """The options listed for a command are those of its help, each once."""
    listed = documented(f"`{name}`")

    assert len(listed) == len(set(listed))
    assert set(listed) == options_of(commands()[name], common=False)


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_common_options_are_documented(name: str) -> None:
    """The options listed for every command are the common options of each."""
    assert set(documented("Options of every command")) == options_of(commands()[name], common=True)


def test_no_command_is_documented_that_does_not_exist() -> None:
    """The sections of commands.md name commands of the program only."""
    text = (DOCS / "commands.md").read_text(encoding="utf-8")

    assert sorted(re.findall(r"^## `(\w+)`$", text, re.MULTILINE)) == sorted(commands())


# The examples


class Shell:
    """Runs the console lines of one page in an empty folder; a lab runs beside them."""

    def __init__(
        self, known: Knowledge, patch: pytest.MonkeyPatch, stack: contextlib.ExitStack
    ) -> None:
        self._known = known
        self._patch = patch
        self._stack = stack
        self._lab: Lab | None = None
        self.last_code = 0

    def run(self, line: str, output: "pytest.CaptureFixture[str]") -> str:
        """Run one line; what it wrote to stdout and stderr, or to its file."""
        words = self._translated(shlex.split(line, comments=True))
        target = words[words.index(">") + 1] if ">" in words else None
        if "<" in words:
            self._feed(Path(words[words.index("<") + 1]).read_bytes())
        words = words[: next((at for at, word in enumerate(words) if word in "<>"), len(words))]
        if words[1] == "lab":
            return self._start(_parser(words[1:]).parse_args(words[1:]))
        output.readouterr()
        self.last_code = main(words[1:])
        written = output.readouterr()
        if target is not None:
            Path(target).write_text(written.out, encoding="utf-8")
        return written.out + written.err

    def _feed(self, text: bytes) -> None:
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text), encoding="utf-8"))

    def _start(self, options: argparse.Namespace) -> str:
        day = self._known.covered_until
        wanted = LabOptions(
            servers=options.servers,
            as_of=day,
            targets_out=options.targets_out,
            scope_out=options.scope_out,
            truth_out=options.truth_out,
        )
        shares = population(options.population)
        made = estate(options.servers, self._known.updates, shares, Random(options.seed), day)
        self._lab = self._stack.enter_context(lab_in_thread(made))
        assert self._lab is not None
        _write_files(wanted, self._lab)
        self.last_code = 0
        return "ready"

    def _translated(self, words: list[str]) -> list[str]:
        """The handbook shows the usual ports of the lab; the lab of a test has free ones."""
        for name, usual in LAB_PORTS.items() if self._lab else ():
            port = getattr(self._lab.ports if self._lab else None, name)
            words = [word.replace(f"{name}={usual}", f"{name}={port}") for word in words]
        return words


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, 80 columns, and a journal that is not the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def squeezed(text: str) -> str:
    return " ".join(text.split())


def missing_lines(shown: tuple[str, ...], written: str) -> list[str]:
    lines = {squeezed(line) for line in written.splitlines()}
    return [line for line in shown if line.strip() != "..." and squeezed(line) not in lines]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_console_examples_run_and_show_what_they_print(
    page: Path,
    known: Knowledge,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each `patchstand` line of a console block runs, and prints the lines shown below it."""
    with contextlib.ExitStack() as stack:
        shell = Shell(known, monkeypatch, stack)
        for block in blocks(page):
            if block.file and block.kind != "python":
                Path(block.file).parent.mkdir(parents=True, exist_ok=True)
                Path(block.file).write_text(block.text, encoding="utf-8")
            for example in examples(block) if block.kind == "console" else ():
                if example.line == "echo $?":
                    assert example.shown == (str(shell.last_code),)
                elif example.line.startswith("patchstand "):
                    written = shell.run(example.line, capsys)
                    shown = example.shown if " lab " not in example.line else ()
                    assert missing_lines(shown, written) == [], f"{example.line}\n{written}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_examples_that_would_leave_loopback_have_valid_options(page: Path) -> None:
    """`patchstand` lines of text blocks are not run, but the program accepts their options."""
    for block in blocks(page):
        for example in examples(block) if block.kind == "text" else ():
            words = shlex.split(example.line, comments=True)
            if words[0] == "patchstand":
                assert _parser(words[1:]).parse_args(words[1:]).command == words[1]


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=named)
def test_make_lines_name_targets_of_the_makefile(page: Path) -> None:
    """Each `make` line of a block names a target that the Makefile has."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w.-]+):(?!=)", makefile, re.MULTILINE))
    used = re.findall(r"^(?:\$ )?make +([\w-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert set(used) <= targets


@pytest.mark.parametrize("page", sorted((DOCS / "howto").glob("*.md")), ids=named)
def test_howto_examples_work(
    page: Path, known: Knowledge, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """The file a how-to shows can be imported under its name, and the test beside it passes."""
    for block in blocks(page):
        if block.kind != "python" or block.file is None:
            continue
        # A new kind of evidence would be a new word of the model; any kind serves to try the code.
        text = block.text.replace("EvidenceKind.NNTP", "EvidenceKind.POP")
        name = block.file.removeprefix("src/").removesuffix(".py").replace("/", ".")
        module = types.ModuleType(name)
        exec(compile(text, block.file, "exec"), module.__dict__)
        monkeypatch.setitem(sys.modules, name, module)
        for test in (value for key, value in vars(module).items() if key.startswith("test_")):
            wants_known = "known" in inspect.signature(test).parameters
            test(*((known,) if wants_known else ()))


# The documents


JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}


class Schema:
    """As much of JSON Schema 2020-12 as docs/schema uses; a field it does not name is an error."""

    def __init__(self, name: str) -> None:
        self._root = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))

    def problems(self, value: object, part: Part | None = None, at: str = "$") -> Iterator[str]:
        """One sentence per place where a value differs from the schema."""
        schema = self._root if part is None else part
        if "$ref" in schema:
            yield from self._referred(value, schema["$ref"], at)
        elif "anyOf" in schema:
            found = [[*self.problems(value, each, at)] for each in schema["anyOf"]]
            yield from min(found, key=len)
        else:
            yield from self._own(value, schema, at)

    def _referred(self, value: object, reference: str, at: str) -> Iterator[str]:
        file, _, pointer = reference.partition("#")
        schema = Schema(file) if file else self
        part = schema._root
        for step in pointer.strip("/").split("/"):
            part = part[step]
        yield from schema.problems(value, part, at)

    def _own(self, value: object, schema: Part, at: str) -> Iterator[str]:
        types = schema.get("type", [])
        allowed = [types] if isinstance(types, str) else types
        if allowed and not any(self._is(value, name) for name in allowed):
            yield f"{at}: {value!r} is no {allowed}"
        if value not in schema.get("enum", [value]) or value != schema.get("const", value):
            yield f"{at}: {value!r} is not allowed"
        if isinstance(value, str):
            yield from self._text(value, schema, at)
        if isinstance(value, dict):
            yield from self._fields(value, schema, at)
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield from self.problems(item, schema["items"], f"{at}[{number}]")

    def _is(self, value: object, name: str) -> bool:
        if isinstance(value, bool):
            return name == "boolean"
        return isinstance(value, JSON_TYPES[name])

    def _text(self, value: str, schema: Part, at: str) -> Iterator[str]:
        if not re.search(schema.get("pattern", ""), value):
            yield f"{at}: {value!r} does not match"
        readers = {"date": date.fromisoformat, "date-time": datetime.fromisoformat}
        reader = readers.get(schema.get("format", ""))
        if reader is not None:
            try:
                reader(value)
            except ValueError:
                yield f"{at}: {value!r} is no {schema['format']}"

    def _fields(self, value: dict[str, Any], schema: Part, at: str) -> Iterator[str]:
        properties = schema.get("properties", {})
        rest = schema.get("additionalProperties", False)
        for name in schema.get("required", []):
            if name not in value:
                yield f"{at}: no {name}"
        for name, item in value.items():
            part = properties.get(name, rest)
            if part is False:
                yield f"{at}: {name} is not in the schema"
            else:
                yield from self.problems(item, part, f"{at}.{name}")


def problems(document: Part) -> list[str]:
    """What is wrong with a document, by the schema that it names itself."""
    _, name, number = document["schema"].split("/")
    return list(Schema(f"{name}-{number}.json").problems(document))


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> list[Part]:
    main(words)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    "words",
    [
        ("identify", "X-OWA-Version: 15.2.1118.40"),
        ("identify", "X-OWA-Version: 15.02.2562.037"),
        ("identify", "X-OWA-Version: 15.20.7595.16"),
        ("identify", "--kind", "html", '<img src="/owa/auth/15.2.1118/themes/x.ico">'),
        ("identify", "* OK Dovecot ready."),
        ("identify", "nothing"),
        ("build", "15.2.1118.40"),
        ("build", "15.2.1118"),
        ("build", "15.2.9999.1"),
        ("build", "15.2.2562.56", "--as-of", "2026-10-13"),
        ("build", "6.5.7638.1"),
        ("check", "192.0.2.1"),
        ("knowledge", "show"),
    ],
)  # fmt: skip
def test_printed_documents_fit_their_schema(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """What a command prints with --json has exactly the fields that its schema names."""
    (document,) = printed(capsys, *words, "--json")

    assert document["schema"].split("/")[1] == words[0].replace("identify", "identity")
    assert problems(document) == []


@pytest.fixture(scope="module")
def zoo() -> Iterator[Lab]:
    """One simulated server of every kind."""
    known = knowledge.load()
    kinds = sorted(all_kinds())
    shares = population("default")
    even = type(shares)(shares=dict.fromkeys(kinds, 1.0), offers=shares.offers)
    made = estate(len(kinds), known.updates, even, Random(4), known.covered_until)
    with lab_in_thread(made) as lab:
        yield lab


def test_checked_servers_of_every_kind_fit_the_schema(
    zoo: Lab, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each kind of simulated server, the hostile ones too, gives a document of check/1."""
    Path("targets.txt").write_text("\n".join(zoo.targets()), encoding="utf-8")
    options = ("--targets", "targets.txt", "--timeout", "2", "--nodes", "3", "--json", "--quiet")

    documents = printed(capsys, "check", *options)

    assert len(documents) == len(zoo.targets())
    assert [problem for document in documents for problem in problems(document)] == []


def test_demo_and_lab_documents_fit_their_schemas(
    zoo: Lab, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`demo --json` and the ready line of `lab --json` have exactly the fields of their schemas."""
    found = printed(capsys, "demo", "--servers", "8", "--population", "clean", "--json", "--quiet")
    _say_ready_json(zoo)
    found.append(json.loads(capsys.readouterr().out))

    assert [document["schema"] for document in found] == ["patchstand/demo/1", "patchstand/lab/1"]
    assert [problem for document in found for problem in problems(document)] == []


def test_audit_documents_fit_their_schemas(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Audits, refused bundles and differences have exactly the fields that their schemas name."""
    zipped(folder / "old.zip", whole(exports(), GetHybridConfiguration="Access is denied."))
    zipped(folder / "new.zip", exports("15.02.2562.029", downloads=True))
    (folder / "broken.zip").write_bytes(b"PK")
    on = ("--as-of", "2026-10-13", "--json")

    found = printed(capsys, "audit", "--inbox", ".", *on)
    found += printed(capsys, "audit", "--diff", "old.zip", "new.zip", *on)
    found += printed(capsys, "audit", "--diff", "new.zip", "old.zip", *on)

    names = [document["schema"].split("/")[1] for document in found]
    assert names == ["audit-refused", "audit", "audit", "audit-diff", "audit-diff"]
    assert [problem for document in found for problem in problems(document)] == []


def test_the_scope_files_of_the_handbook_fit_their_schema() -> None:
    """Scope files shown on any page are documents of scope/1."""
    shown = [
        block.text
        for page in PAGES
        for block in blocks(page)
        if '"patchstand/scope/1"' in block.text
    ]

    assert shown
    assert [problem for text in shown for problem in problems(json.loads(text))] == []


# The facts


def test_every_finding_is_explained() -> None:
    """The findings listed in results.md are those for which the report has a text."""
    page = (DOCS / "results.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (`[a-z_`, ]+`) \| (?:critical|high|medium|low|info)", page, re.MULTILINE
    )
    texts = tomllib.loads(
        (files("patchstand.report") / "catalogs/en/general.toml").read_text("utf-8")
    )

    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]

    assert sorted(listed) == sorted(texts["finding"])


def test_the_published_questions_are_those_asked() -> None:
    """The list of paths in scope.md is the list of the web probe, in its order."""
    page = (DOCS / "scope.md").read_text(encoding="utf-8")

    assert tuple(re.findall(r"^GET (\S+)$", page, re.MULTILINE)) == PATHS


@pytest.mark.parametrize("name", ["README.md", "docs/results.md", "docs/roadmap.md"])
def test_the_coverage_that_pages_name_is_that_of_the_knowledge(name: str, known: Knowledge) -> None:
    """Pages that say until when the knowledge is complete say the day of the shipped files."""
    day = catalog("en").date(known.covered_until)

    assert day in (ROOT / name).read_text(encoding="utf-8")


# The links


def slug(heading: str) -> str:
    """The anchor of a heading, as the handbook's generator makes it."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def anchors(page: Path) -> set[str]:
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_internal_links_resolve(page: Path) -> None:
    """Each link to another page or picture leads to a file, each anchor to a heading."""
    broken = []
    for link in LINK.findall(FENCED.sub("", page.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


def test_every_page_is_in_the_navigation() -> None:
    """Each page under docs/ is named in properdocs.yml, and every name there is a page."""
    listed = re.findall(r"[\w/-]+\.md", (ROOT / "properdocs.yml").read_text(encoding="utf-8"))

    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in PAGES[1:])
