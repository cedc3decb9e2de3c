"""The package as a wheel holds it, away from any clone: it has all it needs, and runs its own experiments."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from project import ROOT, Results, experiments

ENTRY = "from inr2vec.cli import main; main()"
DECOY = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}


def built(folder: Path) -> Path:
    "What a wheel holds, in a folder that can stand on PYTHONPATH."
    cmd = [sys.executable, "setup.py", "-q", "build", "--build-base", folder/"work", "--build-lib", folder/"site"]
    subprocess.run(list(map(str, cmd)), cwd=ROOT, check=True, capture_output=True, text=True)
    return folder/"site"


def command(site: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess:
    "The command line of the built package."
    env = os.environ | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return subprocess.run([sys.executable, "-c", ENTRY, *words], cwd=cwd, env=env, text=True, capture_output=True)


def problems_of(site: Path, tmp: Path) -> list[str]:
    "What is wrong with the built package in `site`, used in a folder below `tmp`."
    shipped = {p.stem for p in (site/"inr2vec"/"notebooks"/"experiments").glob("*.ipynb")}
    problems = [f"the experiment {p.stem} is not shipped" for p in experiments() if p.stem not in shipped]
    (tmp/"nbs"/"experiments").mkdir(parents=True)
    (tmp/"nbs"/"experiments"/"main.ipynb").write_text(json.dumps(DECOY))       # of somebody else, next door
    here = tmp/"here"
    here.mkdir()
    told = command(site, here, "info", "--json")
    if told.returncode or json.loads(told.stdout)["models"] == []: problems.append(f"info: {told.stderr[-500:]}")
    words = ("reproduce", "main", "--preset", "smoke", "--dataset", "families:chair,mug", "--quiet")
    ran = command(site, here, *words)
    results = list((here/"runs"/"results").glob("main-*.json"))
    if ran.returncode or not results: problems.append(f"reproduce main: exit {ran.returncode}: {ran.stderr[-500:]}")
    return problems


def test_built() -> Results:
    "what a wheel holds has all experiments, and runs its own, not those of the folder around it"
    with tempfile.TemporaryDirectory() as tmp:
        try: return {"built package": problems_of(built(Path(tmp)/"build"), Path(tmp))}
        except subprocess.CalledProcessError as e: return {"built package": [f"it cannot be built: {e.stderr[-500:]}"]}
