"""Which statements of a cell are checks: they prove that an example is right, and stand folded away from it."""
import ast
import re
from dataclasses import dataclass

CHECK = re.compile(r"(test|assert)_\w+|[\w.]+\.assert_\w+")     # of fastcore, NumPy and PyTorch
BLOCKS = ast.For | ast.With
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
INNER = ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
IMPORTS = ast.Import | ast.ImportFrom


@dataclass(frozen=True)
class Parts:
    "A cell, as far as it is an example and as far as it is a check."
    example: str = ""
    checks: str = ""


def is_check(node: ast.stmt) -> bool:
    "Whether a statement does nothing but check."
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return CHECK.fullmatch(ast.unparse(node.value.func)) is not None
    return isinstance(node, ast.Assert) or isinstance(node, BLOCKS) and all(map(is_check, node.body))


def bound(node: ast.AST) -> set[str]:
    "The names that a statement makes; those inside a function or a comprehension end there."
    if isinstance(node, IMPORTS): return {(a.asname or a.name).split(".")[0] for a in node.names}
    if isinstance(node, FUNCTIONS | ast.ClassDef): return {node.name}
    if isinstance(node, ast.Name): return {node.id} if isinstance(node.ctx, ast.Store) else set()
    if isinstance(node, INNER): return set()
    return {name for child in ast.iter_child_nodes(node) for name in bound(child)}


def used(source: str) -> set[str]:
    "The names that code reads; all its words where it is no plain Python."
    try: tree = ast.parse(source)
    except SyntaxError: return set(re.findall(r"\w+", source))
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}


def split(source: str, later: set[str], silent: bool) -> Parts:
    """The checks at the end of a cell, and the example before them; `later` are the names that later examples read.

    Imports are folded too, and helpers that no example reads serve the checks alone, and go with them. Where checks are
    woven into a cell, all of it is a check if it is `silent` (it shows nothing) and no example reads what it makes."""
    try: body = ast.parse(source).body
    except SyntaxError: return Parts(source)             # a cell with a magic
    if body and all(isinstance(x, IMPORTS) for x in body): return Parts("", source)
    n = len(body)
    while n and is_check(body[n - 1]): n -= 1
    head = body[:n]
    serves = silent and not any(bound(x) & later for x in head)
    woven = any(is_check(x) for top in head for x in ast.walk(top) if isinstance(x, ast.stmt))
    if serves and (woven or all(isinstance(x, FUNCTIONS | IMPORTS) for x in head)): return Parts("", source)
    if woven or n == len(body): return Parts(source)
    lines, end = source.splitlines(), head[-1].end_lineno if head else 0
    return Parts("\n".join(lines[:end]), "\n".join(lines[end:]).strip("\n"))


def split_all(cells: list[tuple[str, bool]]) -> list[Parts]:
    "The examples and the checks of a notebook's cells on the page, each with whether it shows nothing."
    found, later = [], set()
    for source, silent in reversed(cells):
        found.append(split(source, later, silent))
        later |= used(found[-1].example)
    return found[::-1]


def summary(source: str) -> str:
    "What stands on folded code."
    try: tree = ast.parse(source)
    except SyntaxError: return "checks"
    n = sum(is_check(x) and not isinstance(x, BLOCKS) for x in ast.walk(tree) if isinstance(x, ast.stmt))
    return f"{n} checks" if n > 1 else "1 check" if n else "imports"
