"""Every experiment on three tiny data sets, each of one kind of shape alone: clouds, watertight meshes, voxels.

Each is made on the spot: balls, boxes and rods of random size, a folder for each class and part. Two processes share
the work, and run notebooks in themselves: a kernel for each of a hundred short runs would take half an hour."""
import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
from project import CORES, WORKERS, Results, experiments
from running import FEWER

THREADS = max(1, CORES//WORKERS)
PARTS = {"train": 6, "test": 3}          # shapes of a class
MUST_RUN = {                             # what may not refuse a data set; others may, in words
    "clouds": ("main", "retrieval", "classification"),
    "meshes": ("main", "retrieval", "classification", "surface_reconstruction"),
    "voxels": ("main", "retrieval", "classification"),
}


def write_shapes(folder: Path, kind: str) -> None:
    "A data set of 'clouds', 'meshes' or 'voxels' alone: balls, boxes and rods."
    import trimesh
    rng = np.random.default_rng(0)
    centres = (np.arange(16) + .5)/8 - 1
    grid = np.stack(np.meshgrid(centres, centres, centres, indexing="ij"), -1)
    for name in ("ball", "box", "rod"):
        for part, number in PARTS.items():
            at = folder/name/part
            at.mkdir(parents=True)
            for i in range(number):
                half = rng.uniform(.4, .9, 3)*(1, 1, .3 if name == "rod" else 1)
                if name == "ball": mesh = trimesh.creation.icosphere(2).apply_scale(half)
                else: mesh = trimesh.creation.box(2*half)
                if kind == "meshes": mesh.export(at/f"{i}.off")
                elif kind == "clouds": np.save(at/f"{i}.npy", mesh.sample(400).astype(np.float32))
                else:
                    inside = ((grid/half)**2).sum(-1) < 1 if name == "ball" else (np.abs(grid) < half).all(-1)
                    np.savez(at/f"{i}.npz", voxels=inside)


def run_on(job: tuple[str, Path]) -> tuple[str, list[str]]:
    "Reproduce one experiment on the data set in a folder; exit status 2 is a refusal in words, with a remedy."
    from in_process import run_command     # in the process that runs it: it takes seconds to import
    from torch import set_num_threads
    set_num_threads(THREADS)
    name, folder = job
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as tmp:
        arguments = ["reproduce", name, "--preset", "smoke", "--dataset", folder, "--folder", tmp,
                     "--results", Path(tmp)/"results", "--quiet"]
        if name in ("generation", "generators"): arguments += ["-p", "generated=['ball', 'box']"]
        for parameter, value in FEWER.get(name, {}).items(): arguments += ["-p", f"{parameter}={value}"]
        code, printed = run_command(arguments)
    what, seconds = f"{name} on {folder.name}", time.perf_counter() - start
    if code == 0: return f"{what}: {seconds:.0f} s", []
    if code == 2 and "Remedy" in printed and name not in MUST_RUN[folder.name]: return f"{what}: refused", []
    return f"{what}: exit status {code}\n{printed[-3000:]}", [f"it ended with exit status {code}: see above"]


def test_tiny() -> Results:
    "every experiment runs on clouds alone, on meshes alone and on voxels alone, or says in words what is missing"
    results = {}
    with tempfile.TemporaryDirectory() as tmp:
        for kind in MUST_RUN: write_shapes(Path(tmp)/kind, kind)
        jobs = [(path.stem, Path(tmp)/kind) for path in experiments() for kind in MUST_RUN]
        with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
            for (name, folder), (said, problems) in zip(jobs, pool.imap(run_on, jobs)):
                print(f"    {said}", flush=True)
                results[f"{name} on {folder.name}"] = problems
    return results
