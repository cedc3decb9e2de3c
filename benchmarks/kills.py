"""Kills: what `kill -9` costs a run that fits INRs.

A process fits shapes into a store. After a random time it gets the signal 9, which no program can catch; what it left is verified shard by shard, and the next process goes on from there.
A store that becomes complete is compared with an undisturbed run's, file by file and byte for byte, and the next one is begun. In the end the last one is completed and compared as well.

A kill may cost the shard under work and nothing else. `lost_s` is the time since the last finished shard, as far as the files' dates tell. The program ends with an error if anything else is lost.

    python benchmarks/kills.py
"""
import hashlib, multiprocessing, os, signal, tempfile, time, warnings
from dataclasses import replace
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"   # the number of threads changes the last bits of a sum

import typer

from inr2vec.data.families import make_families
from inr2vec.store.manifest import ShardFolder
from inr2vec.embedding.presets import get_preset
from inr2vec.report.results import Result, save_result
from inr2vec.core.seeds import numpy_rng
from inr2vec.inrs.siren import shared_init
from inr2vec.store.filling import fit_shapes
from inr2vec.store.identity import InrRecipe
from inr2vec.store.inr_store import InrStore

def content(path: Path) -> dict:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in path.iterdir() if p.is_file()}

def run(args: tuple, path: Path):
    import torch
    torch.set_num_threads(1)
    fit_shapes(*args, path, progress=False)

def main(
    kills: int = 20,
    per_class: int = typer.Option(1, help="shapes of each family"),
    shard: int = typer.Option(2, help="INRs in a shard"),
    steps: int = typer.Option(100, help="of each fit; the rest is the laptop preset's"),
    field: str = "udf",
    seed: int = 0,
    out: Path = Path("results"),
):
    p = get_preset("laptop")
    shapes = [
        replace(s, vertices=None, faces=None, face_parts=None)
        for s in make_families(per_class, seed=seed, progress=False)
    ]
    fit = replace(p.fit, steps=steps, batch=shard)
    args = shapes, InrRecipe(field, p.siren, shared_init(p.siren, seed), fit, p.queries)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["inr2vec.store.filling", "torch._dynamo"])
    def start(path):
        process = context.Process(target=run, args=(args, path))
        process.start()
        return process
    with tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        start(tmp/"first").join()  # loads the libraries, once for all
        begun = time.perf_counter()
        start(tmp / "whole").join()
        duration = time.perf_counter() - begun
        undisturbed, codec = content(tmp/"whole"), InrStore(tmp/"whole").codec
        assert content(tmp/"first") == undisturbed and len(undisturbed) > 3
        print(f"{len(shapes)} INRs in {-(-len(shapes)//shard)} shards, {duration:.1f} s undisturbed", flush=True)
        rng, rows, stores, compared, differ, before = numpy_rng(seed, "kills"), [], 0, 0, 0, 0
        while len(rows) < kills:
            path = tmp/f"store{stores}"
            begun, after = time.time(), rng.uniform(0, .6*duration)
            process = start(path)
            process.join(after)
            process.kill()
            process.join()
            ended = time.time()
            if process.exitcode == 0:  # it was faster than the kill
                compared += 1
                differ += content(path) != undisturbed
                stores += 1
                before = 0
                continue
            assert process.exitcode == -signal.SIGKILL, process.exitcode
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                report = ShardFolder(path, codec).verify()
            finished = [f.stat().st_mtime for f in path.glob("shard-*")]
            rows.append(
                dict(
                    after_s=after,
                    inrs_before=before,
                    inrs=report.inrs,
                    damaged=len(report.damaged),
                    missing=len(report.missing),
                    half_written=len(list(path.glob(".*.tmp"))),
                    index_complete=not report.index,
                    lost_s=ended - max([begun, *finished]),
                )
            )
            print(rows[-1], flush=True)
            before = report.inrs
        begun = time.perf_counter()
        start(path).join()
        resume = time.perf_counter() - begun
        compared += 1
        differ += content(path) != undisturbed
    def total(key):
        return sum(r[key] for r in rows)
    metrics = dict(
        kills=len(rows),
        damaged_shards=total("damaged"),
        missing_shards=total("missing"),
        finished_inrs_lost=sum(max(0, r["inrs_before"] - r["inrs"]) for r in rows),
        half_written_files=total("half_written"),
        stores_compared=compared,
        stores_that_differ=differ,
        undisturbed_s=duration,
        seconds_a_shard=duration * shard / len(shapes),
        mean_lost_s=total("lost_s") / len(rows),
        last_resume_s=resume,
        each=rows,
    )
    print({k: v for k, v in metrics.items() if k != "each"})
    parameters = dict(kills=kills, shapes=len(shapes), shard=shard, steps=steps, field=field)
    print(save_result(Result("bench-kills", "laptop", "families", seed, metrics, parameters), out).name)
    if metrics["damaged_shards"] or metrics["missing_shards"] or metrics["finished_inrs_lost"] or differ:
        raise SystemExit("something was lost that should not have been")

if __name__ == "__main__": typer.run(main)
