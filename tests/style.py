"""The style that a checker can hold: ruff with the rules of pyproject.toml, and a few rules of ours that ruff lacks."""
import ast
import json
from collections.abc import Iterator
from pathlib import Path

from project import BIN, PACKAGE, PACKAGES, ROOT, Results, code_cells, folder_of, notebooks, relative, run

FOLDERS = ("inr2vec", "nbs", "tests", "docs", "benchmarks", "setup.py")
DISPLAYS = ast.Tuple | ast.List | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def is_boolean(node: ast.AST) -> bool:
    "Whether an expression is true or false by its form: a comparison, `and`, `or`, `not`, `bool(...)`."
    if isinstance(node, ast.Call): return isinstance(node.func, ast.Name) and node.func.id in ("bool", "isinstance")
    return isinstance(node, ast.Compare | ast.BoolOp) or isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def own_problems(source: str, shows_last: bool = False) -> Iterator[tuple[int, str]]:
    "Lines, and what our own rules say of them. `shows_last`: the source is a cell, whose last expression is shown."
    try: tree = ast.parse(source)
    except SyntaxError: return           # a cell with a magic of IPython
    shown = tree.body[-1] if shows_last and tree.body else None
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and node is not shown and isinstance(node.value, DISPLAYS):
            if any(isinstance(x, ast.Call) for x in ast.walk(node.value)):
                yield node.lineno, "several calls joined in a tuple or list: give each a statement, or write a loop"
        elif isinstance(node, ast.Lambda) and any(isinstance(x, ast.Lambda) for x in ast.walk(node.body)):
            yield node.lineno, "a lambda inside a lambda: define a function"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for a, b in ((node.left, node.right), (node.right, node.left)):
                if isinstance(a, ast.List | ast.Tuple | ast.ListComp) and is_boolean(b):
                    yield node.lineno, "a list multiplied by a boolean: write `if`"


def by_ruff() -> Iterator[tuple[Path, str]]:
    "Files, and what ruff says of them."
    cmd = [BIN/"ruff", "check", "--output-format", "json", "--no-cache", *FOLDERS]
    _, printed = run(cmd, 1, quiet=True)
    for found in json.loads(printed[printed.index("["):]):
        if found["code"] == "E501" and Path(found["filename"]).is_relative_to(PACKAGE): continue   # see its notebook
        place = f"cell {found['cell']}, line" if found.get("cell") else "line"
        yield Path(found["filename"]), f"{place} {found['location']['row']}: {found['code']} {found['message']}"


def by_us() -> Iterator[tuple[Path, str]]:
    "Files, and what our own rules say of them. Exported modules are left to their notebooks."
    for path in notebooks():
        for cell, source in code_cells(path):
            shown = not any(line.startswith("#| export") for line in source.splitlines())
            for line, what in own_problems(source, shows_last=shown): yield path, f"cell {cell}, line {line}: {what}"
    for folder in ("tests", "docs", "benchmarks"):
        for path in sorted((ROOT/folder).glob("*.py")):
            for line, what in own_problems(path.read_text(encoding="utf-8")): yield path, f"line {line}: {what}"


def check_style() -> Results:
    "ruff and our own rules find nothing, in any folder"
    folders = [*(f"{p}/{name}" for name in PACKAGES for p in ("nbs", "inr2vec") if (ROOT/p/name).is_dir())]
    found: Results = {name: [] for name in (*folders, "nbs/tutorials", "tests", "docs", "benchmarks")}
    for path, what in (*by_ruff(), *by_us()):
        found.setdefault(folder_of(path), []).append(f"{relative(path)}, {what}")
    return {f"style {folder}": problems for folder, problems in found.items()}
