"""Jinja templates become CloudFormation.

A sandbox with Proton's two names, ``environment.name`` and ``environment.inputs.*``, and Proton's filters.
Pure: no files, no network. No value of an input may be in a message, and a name only where the template
itself spells it. ``_Sandbox`` limits loops, macros and sizes, so that a mistake gets a clear sentence; the
limits that hold against malice are those of ``evaluation.py``, in whose processes the server renders.

Source: User Guide, "Parameter filters for CloudFormation IaC files" and "AWS Proton parameters".
"""

from __future__ import annotations

import re
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import CodeType
from typing import Any

from jinja2 import (
    ChainableUndefined,
    StrictUndefined,
    Template,
    TemplateSyntaxError,
    Undefined,
    UndefinedError,
    nodes,
)
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from proton_templates.filters import FILTERS, Refusal

_MAX_CHARACTERS = 1_048_576  # CloudFormation takes no template above 1 MB
_MAX_STEPS = 50_000
_KEPT_TEMPLATES, _KEPT_CHARACTERS = 8, 65_536
"""How many templates are kept as code, and the longest of them: compiling takes longer than rendering."""


class RenderError(ValueError):
    """A template cannot be rendered; the text is a sentence with file, line and cause."""


def render_template(
    text: str, environment_name: str, inputs: Mapping[str, Any], *, file: str = "cloudformation.yaml"
) -> str:
    """``text`` rendered for an environment. ``file`` is the name that messages use.

    Raises RenderError for bad syntax, an undefined name, a value a filter refuses, or a result without end.
    """
    sandbox = _Sandbox(file)
    template = sandbox.compiled(text)
    namespace = {"name": environment_name, "inputs": _Namespace("environment.inputs", inputs)}
    try:
        pieces = template.generate(environment=_Namespace("environment", namespace))
        return _checked(_indent_blocks("".join(_bounded(pieces)), sandbox.line_break))
    except (Refusal, UndefinedError) as error:
        raise RenderError(f"{_place(error, file)}: {error}.") from None
    except SecurityError as error:
        raise RenderError(f"{_place(error, file)}: the expression reaches for Python's internals.") from None
    except Exception as error:  # noqa: BLE001 - whatever an expression may do wrong is the template's fault
        # Python's own texts quote values ("could not convert string to float: …"), so only the kind is named.
        kind = type(error).__name__
        raise RenderError(f"{_place(error, file)}: the expression fails with {kind}.") from None


def check_template(text: str, *, file: str) -> None:
    """Refuses what can never be rendered: bad Jinja syntax, an unknown filter or test.

    Raises RenderError with file, line and cause.
    """
    _Sandbox(file).compiled(text)


def parse_template(text: str, *, file: str) -> tuple[ImmutableSandboxedEnvironment, nodes.Template, str]:
    """The syntax tree of a template, for what has to know how its text comes about; see `recovery`.

    With it comes the sandbox that its expressions are evaluated in, and what stands in a filter's result for
    a line break that is to be indented.

    Raises RenderError, as `check_template` does.
    """
    sandbox = _Sandbox(file)
    sandbox.compiled(text)
    return sandbox, sandbox.parse(text, filename=file), sandbox.line_break


_UNFIT = re.compile(r"[\0\ud800-\udfff]")


def _checked(text: str) -> str:
    """The result, if it can be sent: an expression can spell half of a surrogate pair, which is no text."""
    if _UNFIT.search(text):
        raise Refusal("the result has a NUL or a character that is no valid Unicode")
    return text


def _bounded(pieces: Iterator[str]) -> Iterator[str]:
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > _MAX_CHARACTERS:
            raise Refusal(f"the result is longer than {_MAX_CHARACTERS:,} characters")
        yield piece


class _Undefined(ChainableUndefined, StrictUndefined):
    """Fails on use; yet ``inputs.a.b | default(…)`` works where ``a`` is missing, as the Guide shows."""

    @property
    def is_forbidden(self) -> bool:
        return self._undefined_exception is SecurityError

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is missing:
            return f"'{self._undefined_name}' is undefined; there are environment.name and environment.inputs"
        return "an item that is looked up does not exist"


class _Namespace(dict[str, Any]):
    """A mapping that knows what the template calls it."""

    def __init__(self, path: str, members: Mapping[str, Any]) -> None:
        super().__init__(
            (name, _Namespace(f"{path}.{name}", member) if type(member) is dict else member)
            for name, member in members.items()
        )
        self.path = path


_OTHER_FILES = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
_REPEATED: tuple[type[Any], ...] = (nodes.For, nodes.Macro, nodes.CallBlock)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, for one template and with bounds.

    Each turn of a loop and each call of a macro is counted; repetition by ``*`` and powers by ``**`` are
    limited; ``range`` is limited by Jinja itself and the output by the renderer.
    """

    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, file: str) -> None:
        super().__init__(undefined=_Undefined, keep_trailing_newline=True)
        self.file = file
        self.line_break = f"\0{uuid.uuid4().hex}\0"  # inputs cannot contain what they cannot guess
        self.spelled: frozenset[Any] = frozenset()
        self.steps = 0
        self.filters.update({name: self._filter(made) for name, made in FILTERS.items()})

    def compiled(self, text: str) -> Template:
        code, self.spelled = (_compile_once if len(text) <= _KEPT_CHARACTERS else _compile)(text, self.file)
        return Template.from_code(self, code, {**self.globals, "_proton_step": self._step})

    def getattr(self, obj: Any, attribute: str) -> Any:
        # Jinja looks for Python's attributes first, which would hide an input called "items" or "values".
        if isinstance(obj, _Namespace) and attribute in obj:
            return obj[attribute]
        found = super().getattr(obj, attribute)
        return self._named(attribute, obj) if _is_missing(found, obj) else found

    def getitem(self, obj: Any, argument: Any) -> Any:
        found = super().getitem(obj, argument)
        return self._named(argument, obj) if _is_missing(found, obj) and argument in self.spelled else found

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if _size_of_result(operator, left, right) > _MAX_CHARACTERS:
            raise Refusal(f"the result of '{operator}' is too large")
        return super().call_binop(context, operator, left, right)

    def _named(self, key: Any, obj: Any) -> Undefined:
        path = obj.path if isinstance(obj, _Namespace) else f"a value of type {type(obj).__name__}"
        return self.undefined(f"{path} has no '{key}'")

    def _step(self) -> None:
        self.steps += 1
        if self.steps > _MAX_STEPS:
            raise Refusal(f"its loops and macros take more than {_MAX_STEPS:,} steps")

    def _filter(self, made: Callable[..., str]) -> Callable[..., str]:
        return lambda *given, **options: made(*given, **options).rstrip("\n").replace("\n", self.line_break)


def _compile(text: str, file: str) -> tuple[CodeType, frozenset[Any]]:
    """A template as code, for whatever sandbox, and the constants that it spells. Raises RenderError."""
    sandbox = _Sandbox(file)
    # Jinja would put the results of filters of constants into the code, with this sandbox's line breaks.
    sandbox.filters.update(dict.fromkeys(FILTERS, _not_yet))
    try:
        tree = sandbox.parse(text, filename=file)
        spelled = frozenset(constant.value for constant in tree.find_all(nodes.Const))
        _check_is_one_file(tree)
        for repeated in tree.find_all(_REPEATED):
            step = nodes.ExprStmt(nodes.Call(nodes.Name("_proton_step", "load"), [], [], None, None))
            repeated.body.insert(0, step.set_lineno(repeated.lineno))
        return sandbox.compile(tree, filename=file), spelled
    except TemplateSyntaxError as error:
        line = text.splitlines()[error.lineno - 1 : error.lineno]
        hint = "; write a dynamic reference as {{ '{{resolve:…}}' }}" if "{{resolve:" in str(line) else ""
        cause = f"{error.message}".rstrip(".")
        raise RenderError(f"{file}, line {error.lineno}: {cause}{hint}.") from None
    except MemoryError:
        raise RenderError(f"{file}: an expression needs too much memory.") from None
    except (RecursionError, SyntaxError):
        # A template becomes Python, whose compiler has limits of its own: 20 loops in each other.
        raise RenderError(f"{file}: expressions or blocks are nested too deeply.") from None


_compile_once = lru_cache(maxsize=_KEPT_TEMPLATES)(_compile)


def _not_yet(*_given: Any, **_options: Any) -> str:
    raise nodes.Impossible


def _check_is_one_file(tree: nodes.Template) -> None:
    for other in tree.find_all(_OTHER_FILES):
        raise TemplateSyntaxError("a template is one file and takes in no other", other.lineno)


def _is_missing(found: Any, obj: Any) -> bool:
    return isinstance(found, _Undefined) and not isinstance(obj, _Undefined) and not found.is_forbidden


def _size_of_result(operator: str, left: Any, right: Any) -> int:
    """Roughly how large ``left * right`` or ``left ** right`` gets: characters, items or bits."""
    if operator == "**":
        return _size(left) * (abs(right) if isinstance(right, int) else 1)
    if isinstance(left, int) and isinstance(right, int):
        return _size(left) + _size(right)
    return (left if isinstance(left, int) else _size(left)) * (
        right if isinstance(right, int) else _size(right)
    )


def _size(value: Any) -> int:
    if isinstance(value, int):
        return value.bit_length()
    return len(value) if isinstance(value, (str, list, tuple)) else 1


def _indent_blocks(text: str, line_break: str) -> str:
    """Continues each block that a filter made at the column where its first line stands."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line_break in line:
            indent = " " * (len(line) - len(line.lstrip(" ")))
            lines[number] = line.replace(line_break, "\n" + indent)
    return "\n".join(lines)


def _place(error: BaseException, file: str) -> str:
    # Jinja rewrites tracebacks so that a frame of the template carries the template's own line.
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{file}, line {lines[-1]}" if lines else file
