"""Checks that run notebooks: the tests in them, the experiments, and both on a GPU that is only pretended."""
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


def smoke(path: Path) -> list[str]:
    "Run one experiment's smoke preset in a temporary folder."
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as tmp:
        out = Path(tmp)/f"{path.stem}.out.ipynb"
        cmd = [sys.executable, "-m", "papermill", path, out, "-p", "preset", "smoke", "--no-progress-bar",
               "--log-level", "WARNING", "--cwd", tmp]
        problems = problems_of_command(cmd, THREADS)
    print(f"    {relative(path)}: {time.perf_counter() - start:.0f} s", flush=True)
    return problems


def test_experiments() -> Results:
    "each notebook of nbs/experiments runs its smoke preset through papermill, in a temporary folder, two at a time"
    found = experiments()
    with ThreadPoolExecutor(WORKERS) as pool:
        return {f"papermill {p.stem}": r for p, r in zip(found, pool.map(smoke, found))}
