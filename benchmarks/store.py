"""The store: what an INR takes, how fast INRs are read, and what shorter numbers cost.

Bytes are those of whole shards of the paper's 512 x 4 INRs. Reading is `InrStore.batches` in a random order, memory-
mapped, compared with what a training can take in: the encoder alone, one step forwards and back on a batch of 16, and
nothing else of a step, so a training takes in less. The files were just written and lie in the system's page cache:
the figure is what opening, slicing and decoding cost, to be compared with the disk's own rate. `batches` reuse one
batch's memory, `anew` take new memory for each batch, which the system has to clear page by page; `singles` are
batches of one in random order. What training on a GPU takes in is worked out from the encoder's and decoder's
operations at `sustained` operations a second, an assumption. Rates are by the wall clock (`per_s`) and by the
processor's time of the one thread that reads (`per_core_s`): the latter is what is compared, because other load on
the machine hardly touches it.

The effect on reconstruction: INRs are fitted, written and read back in each encoding; the mean |error| near the surface
on queries that the fit has not seen, and the Chamfer distance of the points that come back to the cloud.

    python benchmarks/store.py
"""
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor

from inr2vec.core.metrics import chamfer_distance
from inr2vec.core.seeds import torch_rng
from inr2vec.data.families import make_families
from inr2vec.data.shapes import Shape
from inr2vec.embedding.presets import BY_ADAM, get_preset, make_decoder, make_encoder
from inr2vec.inrs.fitting import FitSpec, Fitted, fit_batch
from inr2vec.inrs.meta_init import stacked_queries
from inr2vec.inrs.queries import QuerySpec
from inr2vec.inrs.reconstruction import inr_field, to_points
from inr2vec.inrs.siren import SirenSpec, evaluate, shared_init
from inr2vec.inrs.targets import CLIP, from_logit
from inr2vec.report.results import Result
from inr2vec.report.storage import save_result
from inr2vec.store.codec import DTYPES, bytes_per_inr
from inr2vec.store.inr_store import InrStore

UNSEEN = QuerySpec(surface=500, close=2500, medium=2000, far=250, uniform=250)
MB = 1e6


@dataclass
class Amount:
    "How many of the paper's INRs are written and read."
    inrs: int
    shard: int      # in a shard
    batch: int      # in a step of training
    seed: int


def made_up(spec: SirenSpec, init: Tensor, a: Amount) -> Iterator[tuple]:
    "INRs as far from the start as fitted ones, shard by shard, as `InrStore.write` takes them."
    for k in range(0, a.inrs, a.shard):
        w = init + 2e-3*torch.randn(a.shard, spec.num_params, generator=torch_rng(a.seed, "made up", k))
        fitted = Fitted(w, torch.zeros(a.shard), torch.zeros(a.shard))
        yield k//a.shard, [f"inr{k + i}" for i in range(a.shard)], ["?"]*a.shard, fitted


def seconds(work: Callable, *args) -> np.ndarray:
    "By the wall clock, and of the processor."
    start = time.perf_counter(), time.process_time()
    work(*args)
    return np.array([time.perf_counter() - start[0], time.process_time() - start[1]])


def rates(name: str, amount: float, took: np.ndarray) -> dict[str, float]:
    "An amount a second, both ways."
    return {f"{name}_per_s": amount/took[0], f"{name}_per_core_s": amount/took[1]}


def read_all(store: InrStore, batch: int, seed: int, reuse: bool):
    "Every INR once, and nothing done with it."
    for _ in store.batches(batch, seed, reuse=reuse): pass


def write_all(store: InrStore, parts: Iterator[tuple]):
    "Every shard."
    for part in parts: store.write(*part)


def check_all(store: InrStore, shards: int):
    "Every shard in the store's order, with checksums."
    for k in range(shards): store.read(k)


def reading(spec: SirenSpec, init: Tensor, a: Amount, folder: Path) -> dict:
    "For each encoding: bytes on the disk, and the rate of reading all INRs once."
    out = {}
    for dtype in DTYPES:
        store = InrStore(folder/dtype, {}, spec, init, dtype)
        write = seconds(write_all, store, made_up(spec, init, a))
        size, store = sum(p.stat().st_size for p in store.shards), InrStore(folder/dtype)
        row = dict(bytes_per_inr=bytes_per_inr(spec, dtype), file_bytes_per_inr=size/a.inrs)
        row |= rates("write_mb", size/MB, write)
        for name, batch, reuse in (("batches", a.batch, True), ("anew", a.batch, False), ("singles", 1, False)):
            took = np.min([seconds(read_all, store, batch, a.seed + turn, reuse) for turn in range(3)], 0)
            row |= rates(f"{name}_inrs", a.inrs, took) | rates(f"{name}_mb", size/MB, took)
        row |= rates("checked_mb", size/MB, seconds(check_all, store, a.inrs//a.shard))
        print(dtype, {k: round(v) for k, v in row.items()}, flush=True)
        out[dtype] = row
    return out


def consumption(spec: SirenSpec, a: Amount, sustained: float, steps: int) -> dict:
    "INRs a second that the paper's encoder takes in here, and that the paper's training would at `sustained` FLOP/s."
    preset = get_preset("paper")
    encoder, decoder = make_encoder(preset, "udf"), make_decoder(preset)
    opt, w = torch.optim.AdamW(encoder.parameters(), fused=True), shared_init(spec, a.seed).repeat(a.batch, 1)

    def take_steps(n: int):
        for _ in range(n):
            encoder(w).square().mean().backward()
            opt.step()
            opt.zero_grad()

    def size(net) -> int: return sum(p.numel() for p in net.parameters() if p.ndim == 2)
    take_steps(1)
    here = rates("encoder_inrs", a.batch*steps, seconds(take_steps, steps))
    flops = 6*(size(encoder)*(spec.layers - 1)*(spec.hidden + 1) + size(decoder)*preset.train.points)
    return dict(**here, training_flops_per_inr=flops, sustained=sustained,
                training_inrs_per_s_at_sustained=sustained/flops)


def effect(shapes: list[Shape], spec: SirenSpec, fit: FitSpec, queries: QuerySpec, seed: int, folder: Path) -> dict:
    "INRs of `shapes` after each encoding."
    x, v = stacked_queries(shapes, "udf", queries, seed)
    init = shared_init(spec, seed)
    fitted = fit_batch(spec, init, x, v, "udf", fit, seed)
    x, v = stacked_queries(shapes, "udf", UNSEEN, seed + 1)
    near, rows, moved = v < CLIP, {}, (fitted.weights - init).norm(dim=1)
    for dtype in ("float32", "float16", "int8"):
        store = InrStore(folder/f"effect-{spec.hidden}-{dtype}", {}, spec, init, dtype)
        store.write(0, [s.name for s in shapes], [s.label for s in shapes], fitted)
        w = store.load().weights
        with torch.no_grad(): error = (from_logit("udf", evaluate(spec, w, x)) - v.clamp(0, CLIP)).abs()
        back = [to_points(inr_field(spec, inr), 2048).points for inr in w]
        chamfer = [chamfer_distance(p, s.points) for p, s in zip(back, shapes)]
        rows[dtype] = dict(
            error=((error*near).sum(1)/near.sum(1)).mean().item(), chamfer=float(np.mean(chamfer)),
            chamfer_median=float(np.median(chamfer)),
            weight_error=((w - fitted.weights).norm(dim=1)/moved).mean().item())  # by how far the fit went
    for row in rows.values():
        for key in ("error", "chamfer", "chamfer_median"): row[f"{key}_change"] = row[key]/rows["float32"][key] - 1
    print(spec.hidden, {d: {k: f"{x:.4g}" for k, x in r.items()} for d, r in rows.items()}, flush=True)
    return dict(inrs=len(shapes), steps=fit.steps, points=fit.points, lr=fit.lr, **rows)


def main(  # noqa: PLR0913 - the command line's options
    inrs: Annotated[int, typer.Option(help="512 x 4 INRs in the store")] = 96,
    shard: Annotated[int, typer.Option(help="in a shard")] = 16,
    batch: Annotated[int, typer.Option(help="in a step of training")] = 16,
    narrow: Annotated[int, typer.Option(help="shapes fitted with the laptop preset's INRs")] = 16,
    wide: Annotated[int, typer.Option(help="shapes fitted with 512 x 4")] = 2,
    wide_steps: Annotated[int, typer.Option(help="their steps, of 1024 points")] = 200,
    sustained: Annotated[float, typer.Option(help="operations a second of a GPU, assumed")] = 1e14,
    seed: int = 0,
    threads: int = 1,
    out: Path = Path("results"),
):
    "Time writing and reading, and measure what each encoding loses."
    torch.set_num_threads(threads)
    spec, laptop, a = SirenSpec(), get_preset("laptop", **BY_ADAM["laptop"]), Amount(inrs, shard, batch, seed)
    shapes = make_families(-(-narrow//16), seed=seed, progress=False)[:narrow]
    metrics, init = dict(load=os.getloadavg()[0]), shared_init(spec, seed)
    with tempfile.TemporaryDirectory() as tmp:
        metrics["reading"] = reading(spec, init, a, Path(tmp))
        metrics["consumption"] = consumption(spec, a, sustained, steps=2)
        print(metrics["consumption"], flush=True)
        metrics["effect"] = {"64": effect(shapes, laptop.siren, laptop.fit, laptop.queries, seed, Path(tmp))}
        if wide:
            fit = replace(laptop.fit, steps=wide_steps, lr=1e-4)
            metrics["effect"]["512"] = effect(shapes[:wide], spec, fit, laptop.queries, seed, Path(tmp))
    taken = metrics["consumption"]
    for row in metrics["reading"].values():
        rate = row["batches_inrs_per_core_s"]
        row["times_the_encoder"] = rate/taken["encoder_inrs_per_core_s"]
        row["times_a_training_at_sustained"] = rate/taken["training_inrs_per_s_at_sustained"]
    parameters = dict(inrs=inrs, shard=shard, batch=batch, narrow=narrow, wide=wide, wide_steps=wide_steps,
                      sustained=sustained, threads=threads)
    print(save_result(Result("bench-store", "paper", "families", seed, metrics, parameters), out).name)


if __name__ == "__main__": typer.run(main)
