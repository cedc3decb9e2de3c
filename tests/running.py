"""Checks that run notebooks: the tests in them, the experiments, and both on a GPU that is only pretended."""
import multiprocessing
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from project import BIN, CORES, NBS, ROOT, WORKERS, Results, experiments, notebooks, problems_of_command, relative, run

THREADS = max(1, CORES//WORKERS)     # of each process


def test_nbdev() -> Results:
    "nbdev-test runs every notebook that is not an experiment, two at a time"
    skipped = "|".join(re.escape(p.name) for p in experiments())
    cmd = [BIN/"nbdev-test", NBS, "--n-workers", WORKERS, "--timing", "--skip-folder-re", "^[_.]",
           "--skip-file-re", f"^(?:[_.]|(?:{skipped})$)"]
    code, printed = run(cmd, THREADS)
    failed = printed.partition("nbdev Tests Failed On The Following Notebooks:")[2].split()
    results = {f"nbdev-test {relative(p)}": ["it failed: see its error above"] if p.name in failed else []
               for p in notebooks() if p not in experiments()}
    if code and not any(results.values()):
        return {"nbdev-test": [f"it ended with exit status {code}, and names no notebook"]}
    return results


def test_gpu() -> Results:
    "some experiments and the GPU benchmark run on a simulated GPU: nothing of the processor meets anything of the GPU"
    names = ["main", "segmentation", "completion", "classification", "benchmarks/gpu.py"]
    def ran(name: str) -> list[str]:
        return problems_of_command([sys.executable, ROOT/"tests"/"pretended_gpu.py", name], THREADS)

    with ThreadPoolExecutor(WORKERS) as pool: return {f"gpu {n}": r for n, r in zip(names, pool.map(ran, names))}


IN_KERNELS = ("main", "images")      # run as users run them; the others without a kernel each, which takes half as long
FEWER = {"embeddings": dict(seeds=[0, 1])}     # parameters of experiments that do the same thing many times


def smoke_in_kernel(path: Path) -> list[str]:
    "Run one experiment's smoke preset by papermill's command, in a kernel of its own."
    with tempfile.TemporaryDirectory() as tmp:
        out = Path(tmp)/f"{path.stem}.out.ipynb"
        cmd = [sys.executable, "-m", "papermill", path, out, "-p", "preset", "smoke", "--no-progress-bar",
               "--log-level", "WARNING", "--cwd", tmp]
        return problems_of_command(cmd, THREADS)


def smoke_in_process(path: Path) -> list[str]:
    "Run one experiment's smoke preset by papermill, in this process."
    from in_process import run_notebook     # in the process that runs it: it takes seconds to import
    from torch import set_num_threads
    set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as tmp:
        error = run_notebook(path, Path(tmp), preset="smoke", **FEWER.get(path.stem, {}))
    return [f"it failed:\n{error}"] if error else []


def smoke(path: Path) -> tuple[float, list[str]]:
    "Run one experiment's smoke preset in a temporary folder: the seconds, and what went wrong."
    start = time.perf_counter()
    problems = smoke_in_kernel(path) if path.stem in IN_KERNELS else smoke_in_process(path)
    return time.perf_counter() - start, problems


def test_experiments() -> Results:
    "each notebook of nbs/experiments runs its smoke preset through papermill, in a temporary folder, two at a time"
    results = {}
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        for path, (seconds, problems) in zip(experiments(), pool.imap(smoke, experiments())):
            print(f"    {relative(path)}: {seconds:.0f} s", flush=True)
            results[f"papermill {path.stem}"] = problems
    return results
