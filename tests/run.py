"""Run every check of the project: `make test`, or `python tests/run.py [export notebooks layers site readme docs nbdev card experiments]` for some.

Needs no network and no data. The last line counts what passed and failed: one for each notebook, and one for each check of the whole."""
import ast
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE, NBS, EXPERIMENTS = ROOT/"inr2vec", ROOT/"nbs", ROOT/"nbs"/"experiments"
# the house, from the ground up: a package imports only packages before it
PACKAGES = (
    "core",
    "data",
    "inrs",
    "store",
    "viz",
    "embedding",
    "tasks",
    "baselines",
    "experiments",
    "studies",
    "report",
    "widgets",
    "cli",
)
sys.path.insert(0, str(ROOT/"docs"))     # the site's builder
BIN = Path(sys.executable).parent    # not resolved: the virtual environment's own
WORKERS = min(2, os.cpu_count() or 1)
MAX_OUTPUT = 300_000                 # characters of output a notebook may store
MACHINE_PATH = re.compile(r"/root/|/home/\w|/Users/\w|/tmp/|/var/folders/|[A-Z]:\\+Users\\|" + re.escape(f"{ROOT}/"))
NOISE = re.compile(r"\d+%\|[^|]*\||\w*Warning:|\[Open3D |Open3D WebVisualizer")  # progress bars, warnings, banners
EXPORT = re.compile(r"^#\|\s*exports?i?\b", re.M)
Results = dict[str, list[str]]       # what was checked -> what is wrong with it


def notebooks(folder: Path = NBS) -> list[Path]:
    "The project's notebooks below `folder`, in the order of their names."
    return sorted(
        p for p in folder.rglob("*.ipynb") if not any(part[0] in "._" for part in p.relative_to(folder).parts)
    )


def experiments() -> list[Path]:
    "The notebooks that papermill runs: those of nbs/experiments without a number; numbered ones define the package of that name."
    return [p for p in notebooks() if p.parent == EXPERIMENTS and not p.name[0].isdigit()]


def rel(path: Path) -> str: return path.relative_to(ROOT).as_posix()


def run(cmd: list, threads: int, cwd: Path = ROOT) -> tuple[int, str]:
    "Run `cmd` with `threads` threads a process, passing on and returning what it prints."
    limits = {k: str(threads) for k in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    env = (
        os.environ | limits | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    )
    with subprocess.Popen(
        list(map(str, cmd)), cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as p:
        lines = []
        for line in p.stdout:
            print("   ", line, end="", flush=True)
            lines.append(line)
    return p.returncode, "".join(lines)


# -- the sources

def check_export() -> Results:
    "nbdev-export changes nothing in inr2vec/"

    def state() -> dict[str, str]:
        return {rel(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in PACKAGE.rglob("*.py")}
    before = state()
    code, _ = run([BIN/"nbdev-export"], 1)
    after = state()
    changed = sorted(k for k in {*before, *after} if before.get(k) != after.get(k))
    return {
        "export": [f"{k} was not what its notebook exports; now it is: commit it" for k in changed]
        + ["nbdev-export failed"] * (code != 0)
    }


def output_texts(output: dict) -> Iterator[str]:
    "What a reader sees of one stored output, pictures left out."
    yield "".join(output.get("text", ""))
    yield "\n".join(output.get("traceback", []))
    for mime, data in output.get("data", {}).items():
        if not mime.startswith("image/") or mime == "image/svg+xml":
            yield "".join(data) if isinstance(data, list) else str(data)


def mixes_imports(source: str) -> bool:
    "Whether a cell imports and does something else as well: nbdev-docs runs every cell that imports, to have the names for the API's documentation, but not the cells before it."
    try: body = ast.parse(source).body
    except SyntaxError: return False     # IPython's magics
    kinds = (ast.Import, ast.ImportFrom)
    return any(isinstance(n, kinds) for top in body for n in ast.walk(top)) and not all(
        isinstance(top, kinds) for top in body
    )


def notebook_problems(path: Path) -> Iterator[str]:
    "Whatever one stored notebook should not contain."
    nb = json.loads(path.read_text(encoding="utf-8"))
    size = sum(len(json.dumps(c.get("outputs", []))) for c in nb["cells"])
    exports = any(c["cell_type"] == "code" and EXPORT.search("".join(c["source"])) for c in nb["cells"])
    if size > MAX_OUTPUT:
        yield f"its outputs take {size:,} characters, more than {MAX_OUTPUT:,}: make the pictures smaller"
    for i, cell in enumerate(nb["cells"]):
        where = f"cell {cell.get('id', i)}"
        if cell["cell_type"] != "code": continue
        if exports and not EXPORT.search("".join(cell["source"])) and mixes_imports("".join(cell["source"])):
            yield f"{where} imports and does something else too: give the imports a cell of their own, or nbdev-docs fails"
        if cell.get("execution_count") is not None or any(
            o.get("execution_count") is not None for o in cell["outputs"]
        ):
            yield f"{where} has an execution count: run nbdev-clean"
        for out in cell["outputs"]:
            if out["output_type"] == "error": yield f"{where} ended in {out.get('ename')}"
            if out.get("name") == "stderr":
                yield f"{where} stores what was written to stderr: {''.join(out['text'])[:80]!r}"
            for text in output_texts(out):
                if m := MACHINE_PATH.search(text):
                    yield f"{where} shows a path of one machine: {text[max(0, m.start() - 20) : m.end() + 20]!r}"
                if m := NOISE.search(text): yield f"{where} stores noise: {text[max(0, m.start() - 20):m.end() + 40]!r}"
    if path in experiments():
        tagged = [c for c in nb["cells"] if "parameters" in c.get("metadata", {}).get("tags", [])]
        if len(tagged) != 1 or not re.search(r"^preset\b", "".join(tagged[0]["source"]), re.M):
            yield "it needs one cell tagged `parameters` that sets `preset`: without it papermill's value is overwritten"


def check_notebooks() -> Results:
    "the stored notebooks hold no counts, errors, noise, machine paths, large outputs or cells that nbdev-docs cannot run"
    return {rel(p): list(notebook_problems(p)) for p in notebooks()}


def sources_of_modules() -> dict[str, str]:
    "Module -> the notebook that it is exported from, without its ending and number: `data/shapes` for data/10_shapes.ipynb."
    found = {}
    for p in notebooks():
        cells = json.loads(p.read_text(encoding="utf-8"))["cells"]
        source = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
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
                base = ".".join(parts[: len(parts) - node.level + 1] + (node.module or "").split(".")).strip(".")
            elif f"{node.module}.".startswith("inr2vec."): base = node.module.removeprefix("inr2vec").strip(".")
            else: continue
            yield base, node.lineno
            for a in node.names: yield f"{base}.{a.name}".strip("."), node.lineno   # `from . import module`


def layer_of(module: str) -> int | None:
    "The place of a module's package in `PACKAGES`; None for what lies at the top, such as `__version__`."
    top = module.split(".")[0]
    return PACKAGES.index(top) if top in PACKAGES else None


def check_layers() -> Results:
    "a package imports only packages before it in PACKAGES, folders of nbs/ and inr2vec/ agree, and a notebook's number is its own"
    made_by, problems = sources_of_modules(), []
    for module, notebook in made_by.items():
        expected = (
            notebook.replace("/", ".")
            if not module.endswith("__init__")
            else f"{notebook.replace('/', '.').rpartition('.')[0]}.__init__"
        )
        if module != expected: problems.append(f"nbs/{notebook} exports inr2vec.{module}: give both the same place")
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if path.name == "_modidx.py" or module == "__init__": continue
        if module not in made_by:
            if path.name != "__init__.py":
                problems.append(f"{rel(path)} comes from no notebook: remove it, or add its notebook")
            continue
        if layer_of(module) is None:
            problems.append(f"{rel(path)}: name its package in PACKAGES")
            continue
        if path.name == "__init__.py":
            continue  # a package's face names modules, and imports none of them before they are wanted
        for other, line in imports(ast.parse(path.read_text(encoding="utf-8")), ".".join(module.split(".")[:-1])):
            if (layer := layer_of(other)) is not None and layer > layer_of(module):
                problems.append(f"{rel(path)}:{line} imports inr2vec.{other}, whose package comes later")
    for folder in {p.parent for p in notebooks()}:
        numbers = [m[0] for p in folder.glob("*.ipynb") if (m := re.match(r"\d+", p.name))]
        problems += [
            f"{rel(folder)}: several notebooks have the number {n}"
            for n in sorted(set(numbers))
            if numbers.count(n) > 1
        ]
    return {"layers": problems}


def check_site() -> Results:
    "every notebook stands in the site's sidebar once"
    import sidebar
    globs, problems = list(sidebar.sidebar_globs()), []
    for p in notebooks():
        name = p.relative_to(NBS).as_posix()
        hits = [g for g in globs if sidebar.matches(name, g)]
        if len(hits) != 1: problems.append(f"nbs/{name} is matched by {hits or 'nothing'} in _quarto.yml")
    return {"site": problems}


def check_docs() -> Results:
    "every internal link, anchor and picture of the site, built without Quarto, and of the Markdown files leads somewhere"
    import build, links
    with tempfile.TemporaryDirectory() as tmp:
        pages = [p.href for p in build.build(Path(tmp)/"site")]
        problems = [
            f"{page}: {what}" for page, found in links.site_problems(Path(tmp) / "site").items() for what in found
        ]
        problems += [f"{page} was not written" for page in pages if not (Path(tmp)/"site"/page).is_file()]
    problems += [f"{p.name}: {what}" for p in sorted(ROOT.glob("*.md")) for what in links.markdown_problems(p)]
    return {"docs": problems}


def check_readme() -> Results:
    "README.md, CONTRIBUTING.md and their pictures are what their notebooks make, and the results page is what results/ makes"
    import readme
    sys.path.insert(0, str(ROOT))
    from inr2vec.report.results_page import experiments_table, results_page

    def stored(name: str) -> str:
        return "\n".join(
            t
            for c in json.loads((NBS / name).read_text(encoding="utf-8"))["cells"]
            if c["cell_type"] == "code"
            for o in c["outputs"]
            for t in output_texts(o)
        )
    where = ROOT/"results", EXPERIMENTS
    return {
        "README.md": [f"{name} is not: run make readme" for name in readme.differences()]
        + ["its list of experiments is not that of nbs/experiments: run make readme"]
        * (experiments_table(*where).data not in stored("index.ipynb")),
        "results page": []
        if results_page(*where).data in stored("report/60_results_page.ipynb")
        else ["nbs/report/60_results_page.ipynb does not show what is in results/: run make readme"],
    }


# -- running the notebooks

def test_nbdev() -> Results:
    "nbdev-test runs every notebook that is not an experiment, two at a time"
    skipped = "|".join(re.escape(p.name) for p in experiments())
    code, printed = run([BIN/"nbdev-test", NBS, "--n-workers", WORKERS, "--timing", "--skip-folder-re", "^[_.]",
                         "--skip-file-re", f"^(?:[_.]|(?:{skipped})$)"], max(1, (os.cpu_count() or 1)//WORKERS))
    listed = printed.partition("nbdev Tests Failed On The Following Notebooks:")[2].split()
    results = {f"nbdev-test {rel(p)}": ["it failed: see its error above"] if p.name in listed else []
               for p in notebooks() if p not in experiments()}
    if code and not any(results.values()):
        return {"nbdev-test": [f"it ended with exit status {code}, and names no notebook"]}
    return results


def test_card() -> Results:
    "experiments, and the benchmark of what wants a card, run on a card that is pretended: nothing of the processor meets anything of the card"
    def ran(name: str) -> list[str]:
        code, _ = run([sys.executable, ROOT/"tests"/"card.py", name], max(1, (os.cpu_count() or 1)//WORKERS))
        return ["it failed: see its error above"]*(code != 0)
    names = ["main", "segmentation", "completion", "classification", "benchmarks/gpu.py"]
    with ThreadPoolExecutor(WORKERS) as pool: return {f"card {n}": r for n, r in zip(names, pool.map(ran, names))}


def test_experiments() -> Results:
    "each notebook of nbs/experiments runs its smoke preset through papermill, in a temporary folder, two at a time"
    found = experiments()
    if not found: print("    there are none yet")

    def smoke(p: Path) -> list[str]:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as tmp:
            code, _ = run(
                [
                    sys.executable,
                    "-m",
                    "papermill",
                    p,
                    Path(tmp) / f"{p.stem}.out.ipynb",
                    "-p",
                    "preset",
                    "smoke",
                    "--no-progress-bar",
                    "--log-level",
                    "WARNING",
                    "--cwd",
                    tmp,
                ],
                max(1, (os.cpu_count() or 1) // WORKERS),
            )
        print(f"    {rel(p)}: {time.perf_counter() - start:.0f} s", flush=True)
        return ["it failed: see its error above"]*(code != 0)

    with ThreadPoolExecutor(WORKERS) as pool:
        return {f"papermill {p.stem}": r for p, r in zip(found, pool.map(smoke, found))}


CHECKS: dict[str, Callable[[], Results]] = dict(
    export=check_export,
    notebooks=check_notebooks,
    layers=check_layers,
    site=check_site,
    readme=check_readme,
    docs=check_docs,
    nbdev=test_nbdev,
    card=test_card,
    experiments=test_experiments,
)


def main(names: list[str]) -> int:
    "Run the named checks, or all; the exit status is 1 if any failed."
    if unknown := set(names) - set(CHECKS):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}. Use some of {', '.join(CHECKS)}")
    results: Results = {}
    for name in names or CHECKS:
        print(f"== {name}: {CHECKS[name].__doc__}", flush=True)
        start, found = time.perf_counter(), CHECKS[name]()
        for what, problems in found.items():
            for problem in problems: print(f"    FAILED {what}: {problem}", flush=True)
        failed = sum(map(bool, found.values()))
        print(f"   {len(found) - failed} of {len(found)} in {time.perf_counter() - start:.0f} s", flush=True)
        results |= found
    failed = sum(map(bool, results.values()))
    print(f"\n{len(results) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__": sys.exit(main(sys.argv[1:]))
