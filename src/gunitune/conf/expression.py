"""What an expression of a config file gives, on the declared machine."""

from __future__ import annotations

import ast
import operator
from typing import Any

from gunitune.bounds import bounded
from gunitune.conf import formats
from gunitune.conf.calls import BUILTINS, attribute_of, call
from gunitune.conf.environ import MISSING, Environ
from gunitune.conf.operators import Operators
from gunitune.conf.values import (
    NOTHING,
    Binding,
    Frame,
    Function,
    Names,
    Once,
    Raised,
    Reference,
    Site,
    View,
)
from gunitune.evaluate import Evaluation
from gunitune.model import Unknown


class Expressions(Operators):
    """The kinds of expressions that config files use."""

    def constant(self, node: ast.Constant) -> Any:
        """A literal, if it is small."""
        value = node.value
        if value is Ellipsis:
            return Unknown("...")
        return value if value.__class__ is bool else bounded(value)

    def name(self, node: ast.Name) -> Any:
        """What a name stands for; its dependence is noted."""
        binding = self.frame.names.get(node.id) or self._outer(node.id)
        if binding.depends:
            self.deps |= binding.depends
        return self.seen(binding.value) if self.marks else binding.value

    def _outer(self, name: str) -> Binding:
        frame: Frame | None = self.frame
        while frame is not None:
            if frame.kind != "class" or frame is self.frame:
                if name in frame.names:
                    return frame.names[name]
                self.deps |= frame.missing.get(name, NOTHING)
                if name in frame.own:
                    raise Raised(UnboundLocalError, f"{name} is not set yet")
            frame = frame.outer
        module = self.frame.module or self.frame
        if name in module.names:
            return module.names[name]
        self.deps |= module.missing.get(name, NOTHING)
        return self._builtin(name, module)

    def _builtin(self, name: str, module: Frame) -> Binding:
        if name == "__file__":
            return Binding(module.path, frozenset({"file"}))
        if name == "__name__" and module.checked:
            return Binding("__config__")  # what Gunicorn calls it
        if (found := BUILTINS.get(name)) is not None:
            return found
        if module.star:
            return Binding(Unknown(f"{name} may come from {module.star}"))
        if name.startswith("__"):
            return Binding(Unknown(f"{name} can't be told"))
        raise Raised(NameError, f"name {name!r} is not defined")

    def attribute(self, node: ast.Attribute) -> Any:
        """What a dotted name stands for."""
        return self.seen(attribute_of(self, self.raw(node.value), node.attr))

    def subscript(self, node: ast.Subscript) -> Any:
        """An item, or a slice."""
        owner = self.raw(node.value)
        index = self._index(node.slice)
        return self.seen(self.item(owner, index))

    def _index(self, node: ast.expr) -> Any:
        if not isinstance(node, ast.Slice):
            return self.of(node)
        parts = [self.of(part) if part else None for part in (node.lower, node.upper, node.step)]
        unknown = next((part for part in parts if isinstance(part, Unknown)), None)
        return unknown or slice(*parts)

    def item(self, owner: Any, index: Any) -> Any:
        """What `owner[index]` gives."""
        if isinstance(owner, Environ):
            value = owner.read(index, self.deps)
            if value is MISSING:
                raise Raised(KeyError, repr(index))
            return value
        if isinstance(owner, Reference):
            if owner.path == "sys.modules" and index == "__config__":
                return Names(self.frame.module or self.frame)
            return owner.plain() if owner.kind == "value" else Unknown(f"an item of {owner.path}")
        if isinstance(owner, Unknown) or isinstance(index, Unknown):
            return owner if isinstance(owner, Unknown) else index
        if isinstance(owner, Names):
            return self._global(owner, index)
        if not isinstance(owner, (str, list, tuple, dict, bytes, range)) or isinstance(
            owner, (Once, View)
        ):
            raise Raised(TypeError, f"{type(owner).__name__!r} object is not subscriptable")
        return self.guarded(operator.getitem, owner, index)

    def _global(self, owner: Names, name: Any) -> Any:
        if name not in owner.frame.names:
            raise Raised(KeyError, repr(name))
        binding = owner.frame.names[name]
        self.deps |= binding.depends
        return binding.value

    def sequence(self, node: ast.List | ast.Tuple) -> Any:
        """A list or tuple; items that can't be told stay in it."""
        items: list[Any] = []
        for item in node.elts:
            if isinstance(item, ast.Starred):
                found = self.items(self.of(item.value))
                if isinstance(found, Unknown):
                    return found
                items += found
            else:
                items.append(self.raw(item))
        return self.held(tuple(items) if isinstance(node, ast.Tuple) else items)

    def set_of(self, node: ast.Set) -> Any:
        """A set of known values."""
        items = [self.of(item) for item in node.elts]
        return self.apply(lambda *values: set(values), *items)

    def dict_of(self, node: ast.Dict) -> Any:
        """A dict; values that can't be told stay in it."""
        found: dict[Any, Any] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            if key is None:
                added = self.as_dict(self.raw(item))
                if isinstance(added, Unknown):
                    return added
                found.update(added)
            else:
                name = self.of(key)
                if isinstance(name, Unknown):
                    return name
                self.guarded(found.__setitem__, name, self.raw(item))
        return self.held(found)

    def text(self, node: ast.JoinedStr) -> Any:
        """An f-string."""
        parts = [self.of(part) for part in node.values]
        unknown = next((part for part in parts if isinstance(part, Unknown)), None)
        return unknown or self.guarded("".join, parts)

    def field(self, node: ast.FormattedValue) -> Any:
        """One field of an f-string."""
        value = self.of(node.value)
        spec = self.of(node.format_spec) if node.format_spec else ""
        return self.apply(formats.formatted, value, spec, node.conversion)

    def walrus(self, node: ast.NamedExpr) -> Any:
        """`name := value`."""
        value, deps = self.recorded(node.value)
        self.deps |= deps
        site = Site(node.target, node, node.value, "assign", top_level=False)
        self.put(node.target.id, Binding(value, frozenset(deps) | self.control, site))
        return value

    def function(self, node: ast.Lambda) -> Any:
        """A lambda, which is not called yet."""
        return Function(node, self.frame, self.defaults(node.args))

    def defaults(self, arguments: ast.arguments) -> dict[str, Binding]:
        """The defaults of a function's parameters, worked out where it is defined."""
        positional = [*arguments.posonlyargs, *arguments.args]
        given = positional[len(positional) - len(arguments.defaults) :]
        pairs = [*zip(given, arguments.defaults, strict=True)]
        pairs += [
            (each, default)
            for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is not None
        ]
        return {
            each.arg: Binding(value, frozenset(deps))
            for each, default in pairs
            for value, deps in [self.recorded(default)]
        }

    def call(self, node: ast.Call) -> Any:
        """What a call gives; only functions known here and those of the file are worked out."""
        target = self.raw(node.func)
        args: list[Any] = []
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                items = self.items(self.of(arg.value))
                args += [items] if isinstance(items, Unknown) else items
                if isinstance(items, Unknown):
                    target = items
            else:
                args.append(self.raw(arg))
        named: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is not None:
                named[keyword.arg] = self.raw(keyword.value)
                continue
            found = self.as_dict(self.raw(keyword.value))
            if isinstance(found, Unknown):
                target = found
            else:
                named |= {str(key): value for key, value in found.items()}
        result = self.seen(call(self, target, args, named, node))
        if isinstance(result, Unknown):
            self.doubts += 1
        return result

    def called(self, function: Any, args: list[Any]) -> Any:
        """What calling a value gives."""
        self.spend(1)
        return call(self, function, args, {}, None)


Expressions.kinds = {
    **Evaluation.kinds,
    ast.Constant: Expressions.constant,
    ast.UnaryOp: Expressions.unary,
    ast.Name: Expressions.name,
    ast.Attribute: Expressions.attribute,
    ast.Subscript: Expressions.subscript,
    ast.List: Expressions.sequence,
    ast.Tuple: Expressions.sequence,
    ast.Set: Expressions.set_of,
    ast.Dict: Expressions.dict_of,
    ast.JoinedStr: Expressions.text,
    ast.FormattedValue: Expressions.field,
    ast.NamedExpr: Expressions.walrus,
    ast.Lambda: Expressions.function,
    ast.Call: Expressions.call,
}
