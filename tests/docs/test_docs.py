"""The documentation is complete and leads somewhere: properties, commands, links, and the files it names."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from aws_proton_provider.aws.configuration import Configuration
from aws_proton_provider.core.declaration import Resource
from aws_proton_provider.resources import FUNCTIONS, RESOURCES
from aws_proton_provider.resources.functions.function import Function
from proton_server.cli.commands import main
from tests.names import REPOSITORY

_REFERENCE = REPOSITORY / "docs" / "reference"
_SERVER = (_REFERENCE / "proton-server.md").read_text()
_EXAMPLES = sorted((REPOSITORY / "examples").glob("[0-9]*/"))
_PAGES = sorted(
    page for where in ("*.md", "docs/**/*.md", "examples/*/*.md") for page in REPOSITORY.glob(where)
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_TAKE_A_FILE = ("publish", "python", "-C")


def _name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def _rows(text: str) -> dict[str, str]:
    """The rows of the tables in a text, by the code in their first column."""
    return dict(re.findall(r"^\| `([^`]+)` \|(.*)\|$", text, re.MULTILINE))


def _commands(command: click.Command, typed: str) -> Iterator[tuple[str, click.Command]]:
    """What there is below a command that does something, by what a person types."""
    if isinstance(command, click.Group):
        if command.invoke_without_command:
            yield typed, command
        context = click.Context(command)
        for word in command.list_commands(context):
            below = command.get_command(context, word)
            assert below is not None
            yield from _commands(below, f"{typed} {word}")
    else:
        yield typed, command


_COMMANDS = dict(_commands(main, "proton-server"))


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.__name__)
def test_every_property_of_a_resource_is_in_the_reference(resource: type[Resource]) -> None:
    page = re.sub(r"(?<!^)(?=[A-Z])", "-", resource.__name__).lower()

    rows = _rows((_REFERENCE / f"{page}.md").read_text())

    assert rows.keys() == {item.name for item in resource.properties}
    assert all(row.rpartition("|")[2].strip() for row in rows.values())


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.wire)
def test_every_property_of_a_function_is_in_the_reference(function: type[Function]) -> None:
    heading = re.sub(r"(?<!^)(?=[A-Z])", "_", function.__name__).lower()

    section = (
        (_REFERENCE / "functions.md").read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    )

    assert _rows(section).keys() == {item.name for item in function.properties}


def test_every_setting_of_a_provider_is_in_the_reference() -> None:
    rows = _rows((_REFERENCE / "provider.md").read_text())

    assert rows.keys() == Configuration.model_fields.keys()
    assert all(row.rpartition("|")[2].strip() for row in rows.values())


def test_every_key_of_the_stacks_configuration_is_in_the_guide() -> None:
    guide = (REPOSITORY / "docs" / "guide" / "accounts.md").read_text()
    columns = re.findall(r"^\| (`[^|]*`) \|", guide, re.MULTILINE)

    assert set(re.findall(r"\w+", " ".join(columns))) == {
        field.alias for field in Configuration.model_fields.values()
    }


@pytest.mark.parametrize("page", _PAGES, ids=_name)
def test_every_key_and_type_that_is_shown_exists(page: Path) -> None:
    keys = {str(field.alias) for field in Configuration.model_fields.values()}
    types = {resource.__name__ for resource in RESOURCES}

    shown = set(re.findall(r"\baws-proton:(?:index:)?(\w+)", page.read_text()))

    assert shown - {"index"} <= keys | types


def test_every_key_is_in_the_registrys_page_with_its_default() -> None:
    page = (REPOSITORY / "docs" / "installation-configuration.md").read_text()
    rows = {key.removeprefix("aws-proton:"): row.split(" | ") for key, row in _rows(page).items()}
    fields = {str(field.alias): field for field in Configuration.model_fields.values()}

    assert {key: len(row) for key, row in rows.items()} == dict.fromkeys(fields, 4)
    for key, (_variable, default, secret, _meaning) in rows.items():
        assert secret == "no", f"{key} is marked as a secret nowhere"
        if isinstance(fields[key].default, bool):
            assert default == f"`{str(fields[key].default).lower()}`"


def test_the_programs_of_the_registrys_page_are_the_schemas_which_are_compiled() -> None:
    pages = ("docs/_index.md", "tools/generate/examples/Environment.md")
    block = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
    shown, compiled = (block.findall((REPOSITORY / page).read_text()) for page in pages)

    assert [language for language, _ in shown] == ["typescript", "python", "go", "yaml"]
    assert set(shown) <= set(compiled)


def test_every_command_of_the_server_is_in_its_reference() -> None:
    sections = set(re.findall(r"^## `(.*)`$", _SERVER, re.MULTILINE))
    listed = {typed for typed in _rows(_SERVER) if typed.startswith("proton-server")}

    assert _COMMANDS.keys() == sections == listed


@pytest.mark.parametrize("typed", _COMMANDS)
def test_every_option_of_a_command_is_in_the_reference_with_its_default(typed: str) -> None:
    section = _SERVER.partition(f"\n## `{typed}`\n")[2].partition("\n## ")[0]
    rows = {option: row for option, row in _rows(section).items() if option.startswith("-")}
    options = {
        "/".join([*item.opts, *item.secondary_opts]): item
        for item in _COMMANDS[typed].params
        if isinstance(item, click.Option)
    }

    assert rows.keys() == options.keys()
    for option, item in options.items():
        default = rows[option].partition("|")[0].strip()
        if item.required:
            assert default == "required", option
        elif item.show_default and not item.is_flag:
            assert default == f"`{item.default}`", option


def test_every_variable_that_the_server_reads_is_in_its_reference() -> None:
    sources = "".join(
        file.read_text()
        for where in ("git_hosting/*.py", "identity/*.py", "cli/options.py")
        for file in (REPOSITORY / "server").rglob(where)
    )

    assert set(re.findall(r'"(PROTON_[A-Z_]+)"', sources)) == {
        name for name in _rows(_SERVER) if name.startswith("PROTON_")
    }


@pytest.mark.parametrize("page", _PAGES, ids=_name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    text = re.sub(r"^( *)```.*?^\1```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)

    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in _anchors(target), f"{link} leads to no heading"


def _anchors(page: Path) -> set[str]:
    """The headings of a page, as links name them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", _PAGES, ids=_name)
def test_every_proton_server_command_that_is_shown_exists(page: Path) -> None:
    for shown in re.findall(r"^(?:\$ )?(proton-server .*)$", page.read_text(), re.MULTILINE):
        typed = max((typed for typed in _COMMANDS if shown.startswith(typed)), key=len, default=None)
        assert typed, shown
        known = {option for item in _COMMANDS[typed].params for option in (*item.opts, *item.secondary_opts)}
        assert set(re.findall(r"--[a-z-]+", shown)) <= known, shown


@pytest.mark.parametrize("example", _EXAMPLES, ids=_name)
def test_an_example_is_a_program_with_a_readme_and_is_run_by_a_test(example: Path) -> None:
    number = example.name.partition("-")[0]
    stories = ("test_examples.py", "test_languages.py")
    tests = "".join((REPOSITORY / "tests" / "engine" / name).read_text() for name in stories)

    assert (example / "README.md").is_file()
    assert any(path for name in ("__main__.py", "index.ts", "main.go") for path in example.rglob(name))
    assert f"def test_{number}_" in tests


@pytest.mark.parametrize("example", _EXAMPLES, ids=_name)
def test_an_example_says_how_the_plugin_is_found(example: Path) -> None:
    readme = (example / "README.md").read_text()
    programs = [*example.rglob("__main__.py")]
    dynamic = any("import pulumi_aws_proton as proton\n" in program.read_text() for program in programs)
    # The first example's is the root's.
    manifests = [*example.rglob("Pulumi.yaml")] or [REPOSITORY / "Pulumi.yaml"]

    if dynamic:
        section = readme.partition("\n## With the plugin\n")[2]
        assert "`import pulumi_aws_proton.plugin as proton`" in section
        lines = re.findall(r"^plugins: .*$", section, re.MULTILINE)
    else:
        lines = [manifest.read_text() for manifest in manifests]
    for manifest, text in itertools.product(manifests, lines):
        (provider,) = yaml.safe_load(text)["plugins"]["providers"]
        assert provider["name"] == "aws-proton"
        assert (manifest.parent / provider["path"]).resolve() == REPOSITORY / ".venv" / "bin"
    assert lines


@pytest.mark.parametrize("example", _EXAMPLES, ids=_name)
def test_what_the_commands_of_an_examples_readme_take_is_there(example: Path) -> None:
    # The first example is run from the project's root, as `make demo` does.
    places = (example, REPOSITORY)

    taken = set(_files_taken((example / "README.md").read_text()))

    assert {file for file in taken if not any((place / file).exists() for place in places)} == set()


def _files_taken(readme: str) -> Iterator[str]:
    """What the commands of a README take: bundles to publish, programs to run, projects to work in."""
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    for command in re.split(r"\n| && ", "".join(blocks)):
        words = shlex.split(command.removeprefix("$ "), comments=True)
        yield from (word for before, word in itertools.pairwise(words) if before in _TAKE_A_FILE)
