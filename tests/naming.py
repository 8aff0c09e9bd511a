"""Counts the names that say nothing, the functions that are no verbs and the names that mean two things.

python -m tests.naming            the three counts of m2m and stages; fails above their limits
python -m tests.naming m2m/text   lists each such name of a folder
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("m2m", "stages")
MOST_VAGUE, LEAST_VERBS, MOST_SHARED = 0.01, 0.60, 8
ENTRY_POINTS = {"main", "ROOT"}  # one in each script
# Pronouns, adverbs and participles, where a noun of the field belongs.
VAGUE_WORDS = """
    all another any anything asked at away back been begun behind beside both bound broken brought called chosen come
    counted cut done drawn each else ever every everything far felt few found gave given gone got had heard held here
    its kept known last least left less made many mine more most much none nothing now off one ones other others ours
    own part parts past put ran rest right room said same seen sent shown some something spelt spoken stated such taken
    that theirs them then there these thing things this those told took tried used wanted was way what whatever where
    which who whole whose with without won worth written wrong wrote
"""
VERB_WORDS = """
    accept add aggregate align analyze annotate answer append apply approximate archive arrange ask assert assign attach
    average backfill balance batch begin bind bootstrap bound build cache calculate call cap center check choose clean
    clear clip close cluster collate collect combine compare complete compress compute concatenate confirm connect
    contrast convert copy correct correlate count cover create cut decide decode deduplicate delete dequantize derive
    describe detect determine diff discard display divide download draw drop dump embed encode end ensure enumerate
    escape estimate evaluate exclude expand explain export extract fail fetch fill filter find finish fit fix flag
    flatten flush fold follow forget format freeze gather generate get group guess has hash highlight hold identify
    ignore import include index infer insert inspect intern interpolate interpret invert is join judge keep label launch
    limit link list load locate lock log look lower make map mark mask match measure merge mount move name normalize
    number observe omit open order pack pad parse partition pass patch peel permute pick plan plant play plot pool
    predict prepare preprocess print probe process project prompt propose prune publish pull push put queue quote raise
    rank rate read rebuild recommend reconcile record recover redact reduce refuse regress reject release remember
    remove rename render repair repeat replace report request require resample reserve reset resolve restart restore
    restrict resume retry return reuse reverse rewrite round run sample save scale scan schedule score seal search
    select send serialize serve set settle shard show shuffle simplify simulate size skip slice slugify smooth solve
    sort spawn split spread stack standardize start state stem stop store strip style submit subtract sum summarize
    suppress swap tabulate tag take tell test time tokenize total trace track train transform translate trim truncate
    try tune unescape unify unpack update use validate verify vote wait walk warn watch weigh wrap write yield
"""
VAGUE, VERBS = frozenset(VAGUE_WORDS.split()), frozenset(VERB_WORDS.split())


@dataclass(frozen=True)
class Names:
    """What bindings and public functions there are, and of them, by place, those that are vague, no verb or shared."""

    bindings: int
    functions: int
    vague: list[str]
    verbless: list[str]
    shared: list[str]

    def describe_limits(self) -> list[tuple[str, bool]]:
        """A line a count, and whether it is within its limit."""
        vague = len(self.vague) / max(self.bindings, 1)
        verbs = 1 - len(self.verbless) / max(self.functions, 1)
        shared = len(self.shared)
        texts = (
            f"vague bindings  {vague:.1%} of {self.bindings} (at most {MOST_VAGUE:.0%})",
            f"verbs           {verbs:.0%} of {self.functions} public functions (at least {LEAST_VERBS:.0%})",
            f"shared names    {shared} public names in more than one module (at most {MOST_SHARED})",
        )
        within = (vague <= MOST_VAGUE, verbs >= LEAST_VERBS, shared <= MOST_SHARED)
        return list(zip(texts, within, strict=True))


def read_modules(root: Path, folders: tuple[str, ...]) -> dict[str, ast.Module]:
    paths = sorted(path for folder in folders for path in (root / folder).rglob("*.py"))
    return {str(path.relative_to(root)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def count_names(modules: Mapping[str, ast.Module]) -> Names:
    bindings = [(f"{path}:{line}", name) for path, tree in modules.items() for line, name in list_bindings(tree)]
    functions = [(f"{path}:{line}", name) for path, tree in modules.items() for line, name in list_functions(tree)]
    homes: dict[str, list[str]] = defaultdict(list)
    for path, tree in modules.items():
        for name in list_public_names(tree):
            homes[name].append(path)
    return Names(
        len(bindings),
        len(functions),
        [f"{place} {name}" for place, name in bindings if name.strip("_") in VAGUE],
        [f"{place} {name}" for place, name in functions if name.split("_")[0] not in VERBS],
        [f"{' '.join(paths)} {name}" for name, paths in sorted(homes.items()) if len(paths) > 1],
    )


def list_bindings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines and names of all variables, parameters and loop targets."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.lineno, node.name


def list_functions(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines and names of the public functions of the module's top level."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_public(node.name):
            yield node.lineno, node.name


def list_public_names(tree: ast.Module) -> set[str]:
    """Functions, classes and variables of the module's top level."""
    defined = {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return {name for name in defined if _is_public(name)}


def _is_public(name: str) -> bool:
    return not name.startswith("_") and name not in ENTRY_POINTS


def main(folder: str = "") -> int:
    names = count_names(read_modules(Path.cwd(), FOLDERS))
    limits = names.describe_limits()
    print(*[line for line, _ in limits], sep="\n")
    if folder:
        for title, places in (("vague", names.vague), ("no verb", names.verbless), ("shared", names.shared)):
            print(*[f"{title:<8}{place}" for place in places if folder in place], sep="\n")
    return 0 if all(within for _, within in limits) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
