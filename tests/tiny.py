"""Experiments on three tiny data sets, each of one kind of shape alone: clouds, watertight meshes, voxels.

Each is made on the spot: balls, boxes and rods of random size, a folder for each class and part. By default a few
experiments stand for all, one for each way to get at shapes, so that the check takes a minute or two; with
`INR2VEC_TINY=all` in the environment every experiment runs on all three (half an hour on two cores)."""
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from project import CORES, WORKERS, Results, experiments, run

THREADS = max(1, CORES//WORKERS)
PARTS = {"train": 6, "test": 3}          # shapes of a class
CASES = {                                # what stands for all
    "clouds": ("main", "retrieval"),
    "meshes": ("main", "surface_reconstruction"),
    "voxels": ("main", "classification"),
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


def run_on(name: str, folder: Path, may_refuse: bool) -> list[str]:
    "Reproduce one experiment on the data set in `folder`; exit status 2 is a refusal in words, with a remedy."
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as tmp:
        cmd = [sys.executable, "-c", "from inr2vec.cli import main; main()", "reproduce", name, "--preset", "smoke",
               "--dataset", folder, "--folder", tmp, "--results", Path(tmp)/"results"]
        if name in ("generation", "generators"): cmd += ["-p", "generated=['ball', 'box']"]
        code, printed = run(cmd, THREADS, quiet=True)
    good = code == 0 or code == 2 and may_refuse
    if not good: print(printed[-3000:], flush=True)
    print(f"    {name} on {folder.name}: {time.perf_counter() - start:.0f} s, exit status {code}", flush=True)
    return [] if good else [f"it ended with exit status {code}: see above"]


def test_tiny() -> Results:
    "some experiments (INR2VEC_TINY=all: all of them) run on clouds alone, on meshes alone and on voxels alone"
    whole = os.environ.get("INR2VEC_TINY") == "all"
    with tempfile.TemporaryDirectory() as tmp:
        jobs = []
        for kind, some in CASES.items():
            write_shapes(Path(tmp)/kind, kind)
            jobs += [(n, Path(tmp)/kind, n not in some) for n in ([p.stem for p in experiments()] if whole else some)]
        with ThreadPoolExecutor(WORKERS) as pool: found = list(pool.map(lambda job: run_on(*job), jobs))
    return {f"{name} on {folder.name}": problems for (name, folder, _), problems in zip(jobs, found)}
