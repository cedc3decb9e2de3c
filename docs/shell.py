"""A command of the command line, as a terminal knows it: usage, arguments and options, from its typer annotations."""
import ast
import json
import re
from functools import cache

import api
import sidebar


PROGRAM = "inr2vec"


def _registered(node: ast.AST) -> ast.Call | None:
    "The decorator that makes a function a command, or what comes before all commands."
    found = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return next((d for d in found if ast.unparse(d).startswith(("app.command(", "app.callback("))), None)


@cache
def shared() -> dict[str, ast.AST]:
    "The options that the notebooks of nbs/cli name, to share them among commands."
    named = {}
    for path in sidebar.notebooks(sidebar.NBS/"cli"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and re.search(r"^#\|\s*exports?\b", source, re.M):
                named |= api.options(source)
    return named


def _declared(annotation: ast.AST) -> tuple[str, bool, list[str], str]:
    "Of a parameter: its type, whether it is an argument, its names in a terminal, and its help."
    if isinstance(annotation, ast.Name): annotation = shared().get(annotation.id, annotation)
    calls = [x for x in ast.walk(annotation) if isinstance(x, ast.Call) and ast.unparse(x.func).startswith("typer.")]
    if not calls: return api.type_of(annotation), False, [], ""
    given = [a.value for a in calls[0].args if isinstance(a, ast.Constant)]
    said = [k.value.value for k in calls[0].keywords if k.arg == "help" and isinstance(k.value, ast.Constant)]
    is_argument = ast.unparse(calls[0].func) == "typer.Argument"
    return api.type_of(annotation), is_argument, [n for n in given if str(n).startswith("-")], "".join(said)


def _default(node: ast.AST | None) -> str:
    "A default as one would type it; '' for none, and for a switch."
    if isinstance(node, ast.Call) and node.args: return _default(node.args[0])     # of Path("runs")
    if node is None or isinstance(node, ast.Constant) and isinstance(node.value, bool | None): return ""
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def _param(arg: ast.arg, default: ast.AST | None) -> api.Param:
    "A parameter as a terminal wants it: `--seed SEED`, `FILES...`, `--quiet -q`."
    kind, is_argument, names, said = _declared(arg.annotation)
    name = arg.arg.strip("_")
    if is_argument:
        word = name.upper() + ("..." if "list[" in kind else "")
        shown = word if default is None else f"[{word}]"
    else:
        shown = " ".join(names or [f"--{name.replace('_', '-')}"])
        if kind != "bool": shown += f" {name.upper()}"
    return api.Param(arg.arg, kind, _default(default), said, shown)


def _command(node: ast.FunctionDef, registered: ast.Call) -> api.Entry:
    "A registered function as the command that it is."
    a = node.args
    given = [None]*(len(a.args) - len(a.defaults)) + a.defaults
    params = [_param(p, d) for p, d in zip(a.args, given) if "Context" not in ast.unparse(p.annotation)]
    arguments = [p.shell for p in params if not p.shell.startswith("-")]
    name = registered.args[0].value if registered.args else node.name.replace("_", "-")
    title = PROGRAM if "callback" in ast.unparse(registered) else f"{PROGRAM} {name}"
    usage = [title, *(["[OPTIONS]"] if len(arguments) < len(params) else []), *arguments]
    if title == PROGRAM: usage.append("COMMAND ...")
    return api.Entry(node.name, "command", " ".join(usage), ast.get_docstring(node) or "", params, shell=title)


def entries(source: str) -> list[api.Entry]:
    "As `api.entries`, with commands as a terminal knows them."
    found = api.entries(source)
    registered = {n.name: (n, d) for n in ast.parse(source).body if (d := _registered(n))} if found else {}
    return [_command(*registered[e.name]) if e.name in registered else e for e in found]
