"""What all checks know of the project: its folders, packages and notebooks, and how to run a command."""
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE, NBS, EXPERIMENTS = ROOT/"inr2vec", ROOT/"nbs", ROOT/"nbs"/"experiments"
# The house from the ground up, and what each package is for: a package imports only packages before it.
PACKAGES = {
    "core": "errors, seeds, metrics, safe writing, the three fields",
    "data": "shapes, readers of files and data sets, augmentation, generated families",
    "inrs": "queries, SIREN, fitting, weight space, reconstruction",
    "store": "INRs on disk: compressed, checked, written by many processes",
    "viz": "pictures of shapes, curves, maps",
    "embedding": "encoders, decoder, training, presets, the model",
    "tasks": "retrieval, classification, segmentation, interpolation, generation, transfer",
    "signals": "images, sounds and shapes as one thing: functions with INRs and embeddings",
    "baselines": "the rivals: networks on shapes and on weights, shared networks, generators",
    "experiments": "the paper's experiments and what they share",
    "studies": "the paper's appendices and our own questions",
    "report": "results on disk, the paper's figures, the results page",
    "library": "models and INRs under a name, and search among very many",
    "widgets": "pictures with controls, for JupyterLab",
    "cli": "the command line",
}
BIN = Path(sys.executable).parent        # not resolved: the virtual environment's own
CORES = os.cpu_count() or 1
WORKERS = min(2, CORES)
Results = dict[str, list[str]]           # what was checked -> what is wrong with it


def notebooks(folder: Path = NBS) -> list[Path]:
    "The project's notebooks below `folder`, in the order of their names."
    found = folder.rglob("*.ipynb")
    return sorted(p for p in found if not any(part[0] in "._" for part in p.relative_to(folder).parts))


def experiments() -> list[Path]:
    "The notebooks that papermill runs: those of nbs/experiments without a number. The others define the package."
    return [p for p in notebooks() if p.parent == EXPERIMENTS and not p.name[0].isdigit()]


def relative(path: Path) -> str:
    "The path below the project's root, with forward slashes."
    return path.relative_to(ROOT).as_posix()


def run(cmd: list, threads: int, cwd: Path = ROOT, quiet: bool = False) -> tuple[int, str]:
    "Run `cmd` with `threads` threads a process, passing on (unless `quiet`) and returning what it prints."
    limits = {k: str(threads) for k in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    ours = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    with subprocess.Popen(list(map(str, cmd)), cwd=cwd, env=os.environ | limits | ours, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as p:
        lines = []
        for line in p.stdout:
            if not quiet: print("   ", line, end="", flush=True)
            lines.append(line)
    return p.returncode, "".join(lines)


def problems_of_command(cmd: list, threads: int, **how) -> list[str]:
    "One problem if the command fails, none if it does not."
    code, _ = run(cmd, threads, **how)
    return ["it failed: see its error above"] if code else []


def folder_of(path: Path) -> str:
    "The part of the project that a file belongs to, for reports: `nbs/data`, `inr2vec/data`, `tests`."
    parts = path.relative_to(ROOT).parts
    return "/".join(parts[:2]) if parts[0] in ("nbs", "inr2vec") else parts[0]


def code_cells(path: Path) -> Iterator[tuple[str, str]]:
    "The id and the source of each code cell of a notebook."
    for i, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] == "code": yield str(cell.get("id", i)), "".join(cell["source"])
