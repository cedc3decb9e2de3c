"""Checks of the stored notebooks and of the modules exported from them: nothing is run."""
import ast
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from project import BIN, NBS, PACKAGE, PACKAGES, ROOT, Results, code_cells, experiments, notebooks, relative, run

MAX_OUTPUT = 300_000                 # characters of output a notebook may store
MACHINE_PATH = re.compile(r"/root/|/home/\w|/Users/\w|/tmp/|/var/folders/|[A-Z]:\\+Users\\|" + re.escape(f"{ROOT}/"))
NOISE = re.compile(r"\d+%\|[^|]*\||\w*Warning:|\[Open3D |Open3D WebVisualizer")  # progress bars, warnings, banners
EXPORT = re.compile(r"^#\|\s*exports?i?\b", re.M)
ORDER = list(PACKAGES)


def check_export() -> Results:
    "nbdev-export changes nothing in inr2vec/"
    def state() -> dict[str, str]:
        return {relative(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in PACKAGE.rglob("*.py")}

    before = state()
    code, _ = run([BIN/"nbdev-export"], 1)
    after = state()
    changed = sorted(k for k in {*before, *after} if before.get(k) != after.get(k))
    problems = [f"{k} was not what its notebook exports. Now it is: commit it" for k in changed]
    return {"export": problems + (["nbdev-export failed"] if code else [])}


def output_texts(output: dict) -> Iterator[str]:
    "What a reader sees of one stored output, pictures left out."
    yield "".join(output.get("text", ""))
    yield "\n".join(output.get("traceback", []))
    for mime, data in output.get("data", {}).items():
        if not mime.startswith("image/") or mime == "image/svg+xml":
            yield "".join(data) if isinstance(data, list) else str(data)


def mixes_imports(source: str) -> bool:
    """Whether a cell imports and does something else as well.

    nbdev-docs runs every cell that imports, to have the names for the API's documentation, but not those before it."""
    try: body = ast.parse(source).body
    except SyntaxError: return False     # IPython's magics
    kinds = (ast.Import, ast.ImportFrom)
    imports_at_all = any(isinstance(n, kinds) for top in body for n in ast.walk(top))
    return imports_at_all and not all(isinstance(top, kinds) for top in body)


def cell_problems(cell: dict, where: str, exports: bool) -> Iterator[str]:
    "Whatever one stored code cell should not contain."
    source = "".join(cell["source"])
    if exports and not EXPORT.search(source) and mixes_imports(source):
        yield f"{where} imports and does something else: give imports a cell of their own, or nbdev-docs fails"
    if any(x.get("execution_count") is not None for x in (cell, *cell["outputs"])):
        yield f"{where} has an execution count: run nbdev-clean"
    for out in cell["outputs"]:
        if out["output_type"] == "error": yield f"{where} ended in {out.get('ename')}"
        if out.get("name") == "stderr":
            yield f"{where} stores what was written to stderr: {''.join(out['text'])[:80]!r}"
        for text in output_texts(out):
            if m := MACHINE_PATH.search(text):
                yield f"{where} shows a path of one machine: {text[max(0, m.start() - 20):m.end() + 20]!r}"
            if m := NOISE.search(text): yield f"{where} stores noise: {text[max(0, m.start() - 20):m.end() + 40]!r}"


def notebook_problems(path: Path) -> Iterator[str]:
    "Whatever one stored notebook should not contain."
    nb = json.loads(path.read_text(encoding="utf-8"))
    size = sum(len(json.dumps(c.get("outputs", []))) for c in nb["cells"])
    if size > MAX_OUTPUT:
        yield f"its outputs take {size:,} characters, more than {MAX_OUTPUT:,}: make the pictures smaller"
    code = [(i, c) for i, c in enumerate(nb["cells"]) if c["cell_type"] == "code"]
    exports = any(EXPORT.search("".join(c["source"])) for _, c in code)
    for i, cell in code: yield from cell_problems(cell, f"cell {cell.get('id', i)}", exports)
    if path in experiments():
        tagged = [c for c in nb["cells"] if "parameters" in c.get("metadata", {}).get("tags", [])]
        if len(tagged) != 1 or not re.search(r"^preset\b", "".join(tagged[0]["source"]), re.M):
            yield "it needs one cell tagged `parameters` that sets `preset`: else papermill's value is overwritten"


def check_notebooks() -> Results:
    "stored notebooks hold no counts, errors, noise, machine paths, large outputs or cells that nbdev-docs cannot run"
    return {relative(p): list(notebook_problems(p)) for p in notebooks()}


def sources_of_modules() -> dict[str, str]:
    "Module -> its notebook, without ending and number: `data/shapes` for data/10_shapes.ipynb."
    found = {}
    for p in notebooks():
        source = "\n".join(source for _, source in code_cells(p))
        if m := re.search(r"^#\|\s*default_exp\s+(\S+)", source, re.M):
            found[m[1]] = re.sub(r"(?:^|(?<=/))\d+_", "", p.relative_to(NBS).with_suffix("").as_posix())
    return found


def imports(tree: ast.AST, package: str) -> Iterator[tuple[str, int]]:
    "The modules of inr2vec, and the lines, that code in `package` (dotted, '' at the top) imports, at any depth."
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for a in node.names:
                if a.name.startswith("inr2vec."): yield a.name.removeprefix("inr2vec."), node.lineno
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if package else []
            if node.level:
                base = ".".join(parts[:len(parts) - node.level + 1] + (node.module or "").split(".")).strip(".")
            elif f"{node.module}.".startswith("inr2vec."): base = node.module.removeprefix("inr2vec").strip(".")
            else: continue
            yield base, node.lineno
            for a in node.names: yield f"{base}.{a.name}".strip("."), node.lineno   # of `from . import module`


def layer_of(module: str) -> int | None:
    "The place of a module's package in `PACKAGES`; None for what lies at the top, such as `__version__`."
    top = module.split(".")[0]
    return ORDER.index(top) if top in ORDER else None


def expected_module(module: str, notebook: str) -> str:
    "What a notebook's place says that its module is called."
    dotted = notebook.replace("/", ".")
    return f"{dotted.rpartition('.')[0]}.__init__" if module.endswith("__init__") else dotted


def module_problems(path: Path, made_by: dict[str, str]) -> Iterator[str]:
    "What is wrong with the place of one module, and with what it imports."
    module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    if path.name == "_modidx.py" or module == "__init__": return
    if path.name == "__init__.py": return   # a package's face names modules, and imports none before it is wanted
    if module not in made_by: yield f"{relative(path)} comes from no notebook: remove it, or add its notebook"
    elif layer_of(module) is None: yield f"{relative(path)}: name its package in PACKAGES"
    else:
        package = ".".join(module.split(".")[:-1])
        for other, line in imports(ast.parse(path.read_text(encoding="utf-8")), package):
            if (layer := layer_of(other)) is not None and layer > layer_of(module):
                yield f"{relative(path)}:{line} imports inr2vec.{other}, whose package comes later"


def repeated_numbers(folder: Path) -> list[str]:
    "The numbers that several notebooks of a folder have."
    numbers = [m[0] for p in folder.glob("*.ipynb") if (m := re.match(r"\d+", p.name))]
    return sorted({n for n in numbers if numbers.count(n) > 1})


def check_layers() -> Results:
    "a package imports only packages before it, folders of nbs/ and inr2vec/ agree, and a notebook's number is its own"
    made_by = sources_of_modules()
    problems = [f"nbs/{notebook} exports inr2vec.{module}: give both the same place"
                for module, notebook in made_by.items() if module != expected_module(module, notebook)]
    for path in sorted(PACKAGE.rglob("*.py")): problems += module_problems(path, made_by)
    for folder in sorted({p.parent for p in notebooks()}):
        problems += [f"{relative(folder)}: several notebooks have the number {n}" for n in repeated_numbers(folder)]
    return {"layers": problems}
