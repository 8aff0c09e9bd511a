"""The annotations of a stage's main, or of a dataclass → the values that a setting may have, without importing them."""

import ast
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HINT = ". Did you mean "
TYPE_WORDS = {"int": "a whole number", "float": "a number", "str": "text in quotes", "None": "null"}
TYPE_CLASSES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,), "None": (type(None),)}


class SettingType(NamedTuple):
    """What one setting may be: a value of `kinds`, or one of `choices`; a list of them where `is_list`."""

    kinds: tuple[str, ...]
    choices: tuple[str, ...] = ()
    is_list: bool = False
    has_default: bool = False

    def explain(self, value: object) -> str:
        """The rule that `value` breaks, as in "must be a whole number"; empty if it breaks none."""
        if not self.is_list:
            return "" if self._fits(value) else self._rule(value)
        if not isinstance(value, list):
            return f"must be a list, each entry {self._describe()}"
        return next((self._rule(item, "must have entries that are each") for item in value if not self._fits(item)), "")

    def _fits(self, value: object) -> bool:
        if isinstance(value, str) and value in self.choices:
            return True
        types = tuple(python for kind in self.kinds for python in TYPE_CLASSES[kind])
        return isinstance(value, types) and not isinstance(value, bool)

    def _rule(self, value: object, must: str = "must be") -> str:
        nearest = get_close_matches(str(value), self.choices, n=1)
        return f"{must} {self._describe()}{f'{HINT}{nearest[0]}?' if nearest else ''}"

    def _describe(self) -> str:
        choices = [f"one of {', '.join(self.choices)}"] if self.choices else []
        return " or ".join([*choices, *(TYPE_WORDS[kind] for kind in self.kinds)])


def read_main(root: Path, module: str) -> dict[str, SettingType]:
    """The keyword-only parameters of `main` in a stage's source that are one value or a list of them."""
    tree = _parse(root, module)
    [main] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    pairs = [(argument.arg, argument.annotation) for argument in main.args.kwonlyargs]
    return {name: _read_type(root, module, node) for name, node in pairs if node and not _is_block(node)}


def read_dataclass(root: Path, module: str, name: str) -> dict[str, SettingType]:
    """The fields of a dataclass in the source of `module`."""
    [body] = [node.body for node in _parse(root, module).body if isinstance(node, ast.ClassDef) and node.name == name]
    fields = [node for node in body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    return {
        field.target.id: _read_type(root, module, field.annotation)._replace(has_default=field.value is not None)
        for field in fields
        if isinstance(field.target, ast.Name)
    }


@cache
def _parse(root: Path, module: str) -> ast.Module:
    return ast.parse((root / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))


def _is_block(node: ast.expr) -> bool:
    """Whether the annotation is a mapping or a dataclass, whose settings are read from elsewhere."""
    return (isinstance(node, ast.Name) and node.id == "Endpoint") or ast.unparse(node).startswith("Mapping[")


def _read_type(root: Path, module: str, node: ast.expr) -> SettingType:
    kinds, choices = [], []
    is_list = False
    for leaf, is_in_list in _list_leaves(root, module, node):
        is_list |= is_in_list
        if isinstance(leaf, str) and leaf in TYPE_WORDS:
            kinds.append(leaf)
        else:
            choices.append(str(leaf))
    return SettingType(tuple(kinds), tuple(choices), is_list)


def _list_leaves(root: Path, module: str, node: ast.expr) -> Iterator[tuple[Any, bool]]:
    """Names of types, and the values of literals, each with whether it stands in a tuple."""
    if isinstance(node, ast.BinOp):
        yield from _list_leaves(root, module, node.left)
        yield from _list_leaves(root, module, node.right)
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
        items = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        yield from ((ast.literal_eval(item), False) for item in items)
    elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "tuple" and isinstance(node.slice, ast.Tuple):
        yield from ((leaf, True) for leaf, _ in _list_leaves(root, module, node.slice.elts[0]))
    elif isinstance(node, ast.Constant):
        yield str(node.value), False
    elif isinstance(node, ast.Name) and node.id in ("int", "float", "str"):
        yield node.id, False
    elif isinstance(node, ast.Name) and node.id == "Path":
        yield "str", False
    elif isinstance(node, ast.Name):
        yield from _list_leaves(root, *_find_alias(root, module, node.id))
    else:
        raise ValueError(
            f"{module}: the annotation {ast.unparse(node)} of a setting is not a value or a list of values"
        )


def _find_alias(root: Path, module: str, name: str) -> tuple[str, ast.expr]:
    """The module that defines `name = Literal[…]`, and that expression: `module`, or one that it imports from."""
    for node in _parse(root, module).body:
        if isinstance(node, ast.Assign) and any(ast.unparse(target) == name for target in node.targets):
            return module, node.value
        if isinstance(node, ast.ImportFrom) and node.module and name in [alias.name for alias in node.names]:
            return _find_alias(root, node.module, name)
    raise ValueError(f"{module} does not define {name}")
