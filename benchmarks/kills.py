"""What `kill -9` costs a run that fits INRs.

A process fits shapes into a store. After a random time it gets the signal 9, which no program can catch; what it left
is verified shard by shard, and the next process goes on from there. A store that becomes complete is compared with an
undisturbed run's, file by file and byte for byte, and the next one is begun. In the end the last one is completed and
compared as well.

A kill may cost the shard under work and nothing else. `lost_s` is the time since the last finished shard, as far as the
files' dates tell. The program ends with an error if anything else is lost.

    python benchmarks/kills.py
"""
import hashlib
import multiprocessing
import os
import signal
import tempfile
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

os.environ["OMP_NUM_THREADS"] = "1"   # the number of threads changes the last bits of a sum

import typer

from inr2vec.core.seeds import numpy_rng
from inr2vec.data.families import make_families
from inr2vec.embedding.presets import BY_ADAM, get_preset
from inr2vec.inrs.siren import shared_init
from inr2vec.report.results import Result
from inr2vec.report.storage import save_result
from inr2vec.store.filling import fit_shapes
from inr2vec.store.identity import InrRecipe
from inr2vec.store.inr_store import InrStore
from inr2vec.store.manifest import ShardFolder


def content(path: Path) -> dict[str, str]:
    "File -> digest of its bytes."
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in path.iterdir() if p.is_file()}


def run(args: tuple, path: Path):
    "Fit everything, in a process of its own."
    import torch
    torch.set_num_threads(1)
    fit_shapes(*args, path, progress=False)


@dataclass
class Run:
    "What every process does, and how."
    args: tuple              # of `fit_shapes`, but for the store
    context: object          # of multiprocessing

    def start(self, path: Path):
        "A process under way."
        process = self.context.Process(target=run, args=(self.args, path))
        process.start()
        return process

    def whole(self, path: Path) -> float:
        "Let a process end, and return its seconds."
        begun = time.perf_counter()
        self.start(path).join()
        return time.perf_counter() - begun


def left_behind(path: Path, codec, before: int, begun: float, ended: float) -> dict:
    "What a killed process left in the store."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = ShardFolder(path, codec).verify()
    finished = [f.stat().st_mtime for f in path.glob("shard-*")]
    return dict(inrs_before=before, inrs=report.inrs, damaged=len(report.damaged), missing=len(report.missing),
                half_written=len(list(path.glob(".*.tmp"))), index_complete=not report.index,
                lost_s=ended - max([begun, *finished]))


def kill_repeatedly(work: Run, folder: Path, kills: int, seed: int) -> dict:
    "Metrics of as many kills."
    work.whole(folder/"first")       # loads the libraries, once for all
    duration = work.whole(folder/"whole")
    undisturbed, codec = content(folder/"whole"), InrStore(folder/"whole").codec
    assert content(folder/"first") == undisturbed and len(undisturbed) > 3
    print(f"{duration:.1f} s undisturbed", flush=True)
    rng, rows, stores, compared, differ, before = numpy_rng(seed, "kills"), [], 0, 0, 0, 0
    while len(rows) < kills:
        path = folder/f"store{stores}"
        begun, after = time.time(), rng.uniform(0, .6*duration)
        process = work.start(path)
        process.join(after)
        process.kill()
        process.join()
        ended = time.time()
        if process.exitcode == 0:  # it was faster than the kill
            compared, differ, stores, before = compared + 1, differ + (content(path) != undisturbed), stores + 1, 0
            continue
        assert process.exitcode == -signal.SIGKILL, process.exitcode
        rows.append(dict(after_s=after) | left_behind(path, codec, before, begun, ended))
        print(rows[-1], flush=True)
        before = rows[-1]["inrs"]
    resume = work.whole(path)
    differ += content(path) != undisturbed
    return dict(kills=len(rows), stores_compared=compared + 1, stores_that_differ=differ, undisturbed_s=duration,
                last_resume_s=resume, each=rows)


def main(
    kills: int = 20,
    per_class: Annotated[int, typer.Option(help="shapes of each family")] = 1,
    shard: Annotated[int, typer.Option(help="INRs in a shard")] = 2,
    steps: Annotated[int, typer.Option(help="of each fit; the rest is the laptop preset's")] = 100,
    field: str = "udf",
    seed: int = 0,
    out: Path = Path("results"),
):
    "Kill processes at random moments, and see what is lost."
    p, made = get_preset("laptop", **BY_ADAM["laptop"]), make_families(per_class, seed=seed, progress=False)
    shapes = [replace(s, vertices=None, faces=None, face_parts=None) for s in made]
    fit = replace(p.fit, steps=steps, batch=shard)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["inr2vec.store.filling", "torch._dynamo"])
    work = Run((shapes, InrRecipe(field, p.siren, shared_init(p.siren, seed), fit, p.queries)), context)
    with tempfile.TemporaryDirectory() as tmp: metrics = kill_repeatedly(work, Path(tmp), kills, seed)
    rows = metrics["each"]
    def total(key): return sum(r[key] for r in rows)
    metrics = dict(
        damaged_shards=total("damaged"), missing_shards=total("missing"), half_written_files=total("half_written"),
        finished_inrs_lost=sum(max(0, r["inrs_before"] - r["inrs"]) for r in rows),
        mean_lost_s=total("lost_s")/len(rows),
        seconds_a_shard=metrics["undisturbed_s"]*shard/len(shapes)) | metrics
    print({k: v for k, v in metrics.items() if k != "each"})
    parameters = dict(kills=kills, shapes=len(shapes), shard=shard, steps=steps, field=field)
    print(save_result(Result("bench-kills", "laptop", "families", seed, metrics, parameters), out).name)
    lost = ("damaged_shards", "missing_shards", "finished_inrs_lost", "stores_that_differ")
    if any(metrics[k] for k in lost): raise SystemExit("something was lost that should not have been")


if __name__ == "__main__": typer.run(main)
