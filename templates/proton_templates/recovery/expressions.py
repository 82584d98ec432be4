"""The value of an expression of a template while only some of the inputs are known.

Names, filters, tests and operators are the renderer's own sandbox's; what is added is that an expression may
have no value yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import TemplateError, Undefined, nodes
from jinja2.sandbox import SandboxedEnvironment

from proton_templates.recovery.facts import ABSENT, Facts, Hole, Unknown, value_at
from proton_templates.recovery.inputs import Inputs, Part, Path
from proton_templates.recovery.limits import OutOfSteps, Steps, Unmatched, Unsupported
from proton_templates.recovery.operators import COMPARED, COMPUTED
from proton_templates.recovery.variables import Block, Cell, Lazy, Macro, Scope, Turn


class Evaluation:
    """Expressions of one template."""

    def __init__(
        self, sandbox: SandboxedEnvironment, environment_name: str, inputs: Inputs, steps: Steps
    ) -> None:
        self.sandbox, self.inputs, self.steps = sandbox, inputs, steps
        self._context = sandbox.from_string("").new_context()
        self._environment = {"name": environment_name, "inputs": Hole(())}
        self._evaluated: dict[type[nodes.Node], Callable[..., Any]] = {
            nodes.Const: self._const,
            nodes.TemplateData: self._data,
            nodes.Name: self._name,
            nodes.Getattr: self._attribute,
            nodes.Getitem: self._item,
            nodes.Call: self._call,
            nodes.Filter: self._filter,
            nodes.Test: self._test,
            nodes.Compare: self._compare,
            nodes.And: self._and,
            nodes.Or: self._or,
            nodes.Not: self._not,
            nodes.Neg: self._signed,
            nodes.Pos: self._signed,
            nodes.CondExpr: self._conditional,
            nodes.Concat: self._concat,
            nodes.List: self._sequence,
            nodes.Tuple: self._sequence,
            nodes.Dict: self._mapping,
            **dict.fromkeys(
                (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow),
                self._binary,
            ),
        }

    def value(self, node: nodes.Expr, scope: Scope, facts: Facts) -> Any:
        """What an expression evaluates to. Raises Unknown, and Unmatched where the template would fail."""
        return self.forced(self.symbol(node, scope, facts), facts)

    def text(self, node: nodes.Expr, scope: Scope, facts: Facts) -> str:
        """What `{{ expression }}` renders. Raises Unknown and Unmatched."""
        value = self.value(node, scope, facts)
        try:
            return str(value)
        except (TemplateError, ValueError, RecursionError):
            raise Unmatched from None

    def truth(self, node: nodes.Expr, scope: Scope, facts: Facts) -> bool:
        """Which way `{% if expression %}` goes. Raises Unknown and Unmatched."""
        value = self.value(node, scope, facts)
        try:
            return bool(value)
        except TemplateError:
            raise Unmatched from None

    def hole(self, node: nodes.Expr, scope: Scope, facts: Facts) -> Hole | None:
        """The input that an expression is, if that is all it is."""
        try:
            found = self.symbol(node, scope, facts)
        except (Unknown, Unmatched):
            return None
        return found if isinstance(found, Hole) else None

    def symbol(self, node: nodes.Expr, scope: Scope, facts: Facts) -> Any:
        """The value of an expression, or the Hole that it names. Raises Unknown and Unmatched."""
        self.steps.take()
        evaluate = self._evaluated.get(type(node))
        if evaluate is None:
            raise Unsupported(f"line {node.lineno} uses {type(node).__name__}")
        try:
            return evaluate(node, scope, facts)
        except (Unknown, Unmatched, Unsupported, OutOfSteps):
            raise
        except Exception:  # noqa: BLE001 - whatever an expression may do wrong, rendering fails with it
            raise Unmatched from None

    def forced(self, value: Any, facts: Facts) -> Any:
        """A value with everything in it known. Raises Unknown."""
        if isinstance(value, Hole):
            known = value_at(facts, self.inputs, value.path)
            return self._undefined(value.path) if known is ABSENT else known
        if isinstance(value, Lazy):
            return self.value(value.node, value.scope, facts)
        if isinstance(value, Block):
            return self._block(value, facts)
        if isinstance(value, (list, tuple)) and any(isinstance(item, (Hole, Lazy)) for item in value):
            return type(value)(self.forced(item, facts) for item in value)
        return value

    def _undefined(self, path: Path) -> Undefined:
        return self.sandbox.undefined(name=str(path[-1]))

    def _block(self, block: Block, facts: Facts) -> str:
        made = []
        for output in block.body:
            if not isinstance(output, nodes.Output):
                raise Unsupported(f"line {output.lineno} sets a variable to a block with a statement in it")
            made += [self.text(part, block.scope, facts) for part in output.nodes]
        return "".join(made)

    def _const(self, node: nodes.Const, _: Scope, __: Facts) -> Any:
        return node.value

    def _data(self, node: nodes.TemplateData, _: Scope, __: Facts) -> Any:
        return node.data

    def _name(self, node: nodes.Name, scope: Scope, facts: Facts) -> Any:
        if node.name in scope:
            found = scope[node.name]
            return self.symbol(found.node, found.scope, facts) if isinstance(found, Lazy) else found
        if node.name == "environment":
            return self._environment
        return self.sandbox.globals.get(node.name, self.sandbox.undefined(name=node.name))

    def _attribute(self, node: nodes.Getattr, scope: Scope, facts: Facts) -> Any:
        return self._member(self.symbol(node.node, scope, facts), node.attr, facts, attribute=True)

    def _item(self, node: nodes.Getitem, scope: Scope, facts: Facts) -> Any:
        of = self.symbol(node.node, scope, facts)
        if isinstance(node.arg, nodes.Slice):
            parts = [
                None if part is None else self.value(part, scope, facts)
                for part in (node.arg.start, node.arg.stop, node.arg.step)
            ]
            return self.forced(of, facts)[slice(*parts)]
        key = self.symbol(node.arg, scope, facts)
        if isinstance(of, Hole) and isinstance(key, Hole) and key.path[:-1] == of.path:
            part = key.path[-1]
            if isinstance(part, Part) and part.kind == "key":
                return Hole((*of.path, Part("value", part.of)))
        return self._member(of, self.forced(key, facts), facts, attribute=False)

    def _member(self, of: Any, key: Any, facts: Facts, *, attribute: bool) -> Any:
        if isinstance(of, Hole):
            if isinstance(key, str) or (isinstance(key, int) and not isinstance(key, bool) and key >= 0):
                return self._of_absent(of, (*of.path, key), facts)
            return self._member(self.forced(of, facts), key, facts, attribute=attribute)
        if isinstance(of, Turn):
            return of.member(key, facts, self.sandbox.undefined)
        if isinstance(of, Cell):
            return self.forced((facts.cells or {})[of.number][key], facts)
        if isinstance(of, dict) and key in of:
            return of[key]
        if isinstance(of, (Lazy, Block)):
            of = self.forced(of, facts)
        return self.sandbox.getattr(of, key) if attribute else self.sandbox.getitem(of, key)

    def _of_absent(self, of: Hole, path: Path, facts: Facts) -> Any:
        """The member of an input; undefined where the schema allows none of this name, or it is not given."""
        name = path[-1]
        if (
            isinstance(name, str)
            and self.inputs.kind(of.path) == "object"
            and name not in self.inputs.members(of.path)
            and not self.inputs.is_open(of.path)
        ):
            return self._undefined(path)
        try:
            known = value_at(facts, self.inputs, path)
        except Unknown:
            return Hole(path)
        return self._undefined(path) if known is ABSENT else Hole(path)

    def _call(self, node: nodes.Call, scope: Scope, facts: Facts) -> Any:
        arguments, options = self._arguments(node, scope, facts)
        if isinstance(node.node, nodes.Getattr):
            of = self.symbol(node.node.node, scope, facts)
            if isinstance(of, Turn) and node.node.attr == "cycle":
                return arguments[of.index % len(arguments)]
            of = self.forced(of, facts)
            called = self.sandbox.getattr(of, node.node.attr)
        else:
            called = self.value(node.node, scope, facts)
        if isinstance(called, Macro):
            raise Unsupported(f"line {node.lineno} uses the result of a macro in an expression")
        return self.sandbox.call(self._context, called, *arguments, **options)

    def _arguments(self, node: Any, scope: Scope, facts: Facts) -> tuple[list[Any], dict[str, Any]]:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise Unsupported(f"line {node.lineno} passes arguments with *")
        return (
            [self.value(each, scope, facts) for each in node.args],
            {each.key: self.value(each.value, scope, facts) for each in node.kwargs},
        )

    def _filter(self, node: nodes.Filter, scope: Scope, facts: Facts) -> Any:
        if node.node is None:
            raise Unsupported(f"line {node.lineno} has a filter without a value")
        of = self.value(node.node, scope, facts)
        arguments, options = self._arguments(node, scope, facts)
        return self.sandbox.call_filter(node.name, of, arguments, options, self._context)

    def _test(self, node: nodes.Test, scope: Scope, facts: Facts) -> Any:
        of = self.symbol(node.node, scope, facts)
        if node.name in ("defined", "undefined"):
            return self._is_given(of, facts) == (node.name == "defined")
        arguments, options = self._arguments(node, scope, facts)
        return self.sandbox.call_test(node.name, self.forced(of, facts), arguments, options, self._context)

    def _is_given(self, of: Any, facts: Facts) -> bool:
        if not isinstance(of, Hole):
            return not isinstance(of, Undefined)
        last = of.path[-1] if of.path else None
        if isinstance(last, int):
            if facts.longer.get(of.path[:-1], 0) > last:
                return True
            return value_at(facts, self.inputs, of.path) is not ABSENT
        for cut in range(1, len(of.path) + 1):
            part = of.path[:cut]
            if self.inputs.may_be_absent(part):
                try:
                    if value_at(facts, self.inputs, part) is ABSENT:
                        return False
                except Unknown as unknown:
                    if any(path[: len(part)] == part for path in (*facts.values, *facts.lengths)):
                        continue
                    raise Unknown(part) from unknown
        return True

    def _compare(self, node: nodes.Compare, scope: Scope, facts: Facts) -> Any:
        left = self.value(node.expr, scope, facts)
        for each in node.ops:
            right = self.value(each.expr, scope, facts)
            if not (result := COMPARED[each.op](left, right)):
                return result
            left = right
        return result

    def _binary(self, node: Any, scope: Scope, facts: Facts) -> Any:
        left, right = self.value(node.left, scope, facts), self.value(node.right, scope, facts)
        if node.operator in self.sandbox.intercepted_binops:
            return self.sandbox.call_binop(self._context, node.operator, left, right)
        return COMPUTED[node.operator](left, right)

    def _and(self, node: nodes.And, scope: Scope, facts: Facts) -> Any:
        return self._either(node, scope, facts, stops=False)

    def _or(self, node: nodes.Or, scope: Scope, facts: Facts) -> Any:
        return self._either(node, scope, facts, stops=True)

    def _either(self, node: Any, scope: Scope, facts: Facts, *, stops: bool) -> Any:
        left = self.value(node.left, scope, facts)
        return left if bool(left) is stops else self.value(node.right, scope, facts)

    def _not(self, node: nodes.Not, scope: Scope, facts: Facts) -> Any:
        return not self.value(node.node, scope, facts)

    def _signed(self, node: Any, scope: Scope, facts: Facts) -> Any:
        value = self.value(node.node, scope, facts)
        return -value if isinstance(node, nodes.Neg) else +value

    def _conditional(self, node: nodes.CondExpr, scope: Scope, facts: Facts) -> Any:
        if self.truth(node.test, scope, facts):
            return self.symbol(node.expr1, scope, facts)
        if node.expr2 is None:
            return self.sandbox.undefined("the condition is false and there is no 'else'")
        return self.symbol(node.expr2, scope, facts)

    def _concat(self, node: nodes.Concat, scope: Scope, facts: Facts) -> Any:
        return "".join(self.text(each, scope, facts) for each in node.nodes)

    def _sequence(self, node: Any, scope: Scope, facts: Facts) -> Any:
        kind = list if isinstance(node, nodes.List) else tuple
        return kind(self.symbol(each, scope, facts) for each in node.items)

    def _mapping(self, node: nodes.Dict, scope: Scope, facts: Facts) -> Any:
        return {
            self.value(pair.key, scope, facts): self.value(pair.value, scope, facts) for pair in node.items
        }
