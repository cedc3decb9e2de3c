"""The interface of a module from its notebook's cells, without importing anything: signatures, docstrings, comments."""
import ast
import io
import tokenize
from dataclasses import dataclass, field


@dataclass
class Param:
    "One parameter, field or the returned value."
    name: str
    type: str = ""
    default: str = ""
    about: str = ""
    shell: str = ""            # as the command line has it: `--seed SEED`


@dataclass
class Entry:
    "One public function, class or method."
    name: str                  # dotted for a method
    kind: str                  # 'def', 'class', 'property' or 'command'
    signature: str
    about: str = ""
    params: list[Param] = field(default_factory=list)
    members: list["Entry"] = field(default_factory=list)
    shell: str = ""            # a command in a terminal: `inr2vec fit`


def comments(source: str) -> dict[int, str]:
    "The comments of `source` by line, less directives."
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        t.start[0]: t.string.lstrip("# ").strip()
        for t in tokens
        if t.type == tokenize.COMMENT and not t.string.startswith("#|")
    }


def _text(node: ast.AST | None) -> str: return "" if node is None else ast.unparse(node)


class _Unquoted(ast.NodeTransformer):
    "Types in quotes as the types that they are; the strings of a `Literal` stay strings."

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        "The expression in a string."
        if not isinstance(node.value, str): return node
        try: return self.visit(ast.parse(node.value.strip(), mode="eval").body)
        except SyntaxError: return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        "All types in brackets, but not those of a `Literal`."
        return node if _text(node.value).split(".")[-1] == "Literal" else self.generic_visit(node)


def type_of(node: ast.AST | None) -> str:
    "An annotation as text, what stands in quotes without them, and of `Annotated[X, ...]` the type."
    if _annotated(node): return type_of(node.slice.elts[0])
    return "" if node is None else _text(_Unquoted().visit(node))


def _annotated(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Subscript) and _text(node.value) == "Annotated" and isinstance(node.slice, ast.Tuple)


def _params(node: ast.FunctionDef, said: dict[int, str]) -> list[Param]:
    """The parameters of `node` and what it returns.

    A comment belongs to the value returned if it stands on its line, else to the line's last parameter."""
    a = node.args
    positional = [*a.posonlyargs, *a.args]
    defaults = dict(zip([p.arg for p in positional[len(positional) - len(a.defaults):]], a.defaults))
    defaults |= {p.arg: d for p, d in zip(a.kwonlyargs, a.kw_defaults) if d is not None}
    star = {a.vararg: "*", a.kwarg: "**"}
    every = [
        p for p in (*positional, a.vararg, *a.kwonlyargs, a.kwarg) if p is not None and p.arg not in ("self", "cls")
    ]
    last = {p.lineno: p for p in every}
    out = []
    for p in every:
        end = max(getattr(defaults.get(p.arg), "end_lineno", 0), p.end_lineno)
        ours = last[p.lineno] is p and not (node.returns is not None and node.returns.lineno == end)
        out.append(
            Param(
                star.get(p, "") + p.arg,
                type_of(p.annotation),
                _text(defaults.get(p.arg)),
                said.get(end, "") if ours else "",
            )
        )
    if node.returns is not None:
        about = said.get(node.returns.end_lineno, "") if node.body[0].lineno > node.returns.end_lineno else ""
        out.append(Param("returns", type_of(node.returns), "", about))
    return out


def _signature(name: str, params: list[Param]) -> str:
    inside = [
        f"{p.name}{f': {p.type}' if p.type else ''}{(' = ' if p.type else '=') + p.default if p.default else ''}"
        for p in params
        if p.name != "returns"
    ]
    returns = next((f" -> {p.type}" for p in params if p.name == "returns"), "")
    line = f"{name}({', '.join(inside)}){returns}"
    return line if len(line) <= 88 else f"{name}(\n" + "".join(f"    {x},\n" for x in inside) + f"){returns}"


def _entry(node: ast.AST, said: dict[int, str], owner: str = "") -> Entry:
    name, about = f"{owner}{node.name}", ast.get_docstring(node) or ""
    if isinstance(node, ast.ClassDef):
        fields = [
            Param(s.target.id, type_of(s.annotation), _text(s.value), said.get(s.end_lineno, ""))
            for s in node.body
            if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name) and s.target.id[0] != "_"
        ]
        methods = [s for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)]
        init = next((s for s in methods if s.name == "__init__"), None)
        params = [p for p in _params(init, said) if p.name != "returns"] if init else fields
        bases = ", ".join(map(_text, node.bases))
        shown = [_entry(s, said, f"{node.name}.") for s in methods if s.name[0] != "_"]
        return Entry(
            name,
            "class",
            _signature(name, params) if params else f"{name}({bases})" if bases else name,
            about,
            params,
            shown,
        )
    params = _params(node, said)
    if any("property" in _text(d) for d in node.decorator_list):
        return Entry(name, "property", f"{name}{f' -> {params[-1].type}' if params else ''}", about, params)
    return Entry(name, "def", _signature(name, params), about, params)


def options(source: str) -> dict[str, ast.AST]:
    "The options that a cell names, to share them among commands: `Seed = Annotated[int, ...]`."
    try: tree = ast.parse(source)
    except SyntaxError: return {}
    return {
        n.targets[0].id: n.value
        for n in tree.body
        if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name) and _annotated(n.value)
    }


def entries(source: str) -> list[Entry]:
    "The public functions and classes that a cell defines."
    try: tree = ast.parse(source)
    except SyntaxError: return []                        # a cell with a magic
    said = comments(source)
    return [
        _entry(n, said)
        for n in tree.body
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and n.name[0] != "_"
    ]
