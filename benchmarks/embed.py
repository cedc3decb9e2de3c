"""How long one embedding takes: a single INR in, its embedding out, for the probing encoder and for the paper's.

The INRs are the paper's, 512 x 4. An embedding is computed from the INR's weights alone, so its time cannot depend on
how finely the shape was sampled. To show that rather than say it, an INR is made from clouds of the same shape with
2,048 to 65,536 points each: all have the same number of parameters, and all are timed in turn.

`ms` is the median wall clock with `--threads` threads, `best_ms` the fastest: on a busy machine both are mostly
waiting, and `load` says how busy it was. `core_ms` is processor time with one thread, which other load disturbs least;
what one core does within the goal, two idle ones do as well, so `within_goal` takes this or `best_ms`. `gflop` is the
arithmetic of one embedding, `floor_ms` what `--threads` cores would take if each did it at the rate that a large
product of float32 matrices reaches here: no implementation in float32 is faster on this processor.

    python benchmarks/embed.py
"""
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch.utils.flop_counter import FlopCounterMode

from inr2vec.core.seeds import seed_for
from inr2vec.core.stopwatch import Stopwatch
from inr2vec.data.families import make_shape
from inr2vec.data.shapes import Shape, with_points
from inr2vec.embedding.presets import get_preset, make_encoder
from inr2vec.inrs.fitting import FitSpec, fit_batch
from inr2vec.inrs.queries import QuerySpec, make_queries
from inr2vec.inrs.siren import SirenSpec, shared_init
from inr2vec.report.results import Result, comparison_table
from inr2vec.report.storage import save_result

GOAL_MS = 30.
ENCODERS = ("probing", "paper")


@dataclass
class Sampled:
    "An INR and the cloud that it was fitted to."
    cloud: Shape
    weights: torch.Tensor    # (1, num_params)


def core_flops(n: int = 1536) -> float:
    "FLOP/s of one core at a large product of float32 matrices, the best of several, by processor time."
    torch.set_num_threads(1)
    a, out, times = torch.randn(n, n), torch.empty(n, n), []
    for _ in range(6):
        start = time.process_time()
        torch.mm(a, a, out=out)
        times.append(time.process_time() - start)
    return 2*n**3/min(times)


def inr_of(spec: SirenSpec, cloud: Shape, seed: int) -> Sampled:
    "An INR fitted to a cloud for a few steps: how well does not matter to how long it takes to embed."
    made = make_queries(cloud, "udf", QuerySpec(1_000, 2_500, 2_000, 250, 250), seed)
    x, v = (torch.from_numpy(a)[None] for a in made)
    fit = FitSpec(steps=5, points=256)
    return Sampled(cloud, fit_batch(spec, shared_init(spec, seed), x, v, "udf", fit, seed_for(seed, "bench")).weights)


@torch.inference_mode()
def latencies(encoder: Callable, inrs: list[Sampled], repeats: int) -> list[list[tuple[float, float]]]:
    "For each INR, wall and processor seconds of each repeat: one embedding at a time, the INRs in turn."
    for inr in inrs: encoder(inr.weights)
    found = [[] for _ in inrs]
    for _ in range(repeats):
        for inr, times in zip(inrs, found):
            wall, core = time.perf_counter(), time.process_time()
            encoder(inr.weights)
            times.append((time.perf_counter() - wall, time.process_time() - core))
    return found


def measured(kind: str, inrs: list[Sampled], repeats: int, threads: int, seed: int) -> dict:
    "Times of one encoder."
    preset = get_preset("paper", **{"encoder.kind": kind})
    torch.manual_seed(seed)
    encoder = make_encoder(preset).eval()
    with FlopCounterMode(display=False) as count, torch.no_grad(): encoder(inrs[0].weights)
    torch.set_num_threads(threads)
    wall = latencies(encoder, inrs, repeats)
    torch.set_num_threads(1)
    core = latencies(encoder, inrs, max(3, repeats//3))
    gflop, fastest, all_wall = count.get_total_flops()/1e9, core_flops(), [t for w in wall for t, _ in w]
    m = dict(ms=statistics.median(all_wall)*1e3, best_ms=min(all_wall)*1e3,
             core_ms=min(t for c in core for _, t in c)*1e3, gflop=gflop,
             floor_ms=gflop*1e12/fastest/threads, core_gflops=fastest/1e9, embed_dim=preset.encoder.embed_dim)
    m["within_goal"] = min(m["best_ms"], m["core_ms"]) <= GOAL_MS
    m["by_points"] = {
        str(len(inr.cloud.points)): dict(
            inr_parameters=inr.weights.numel(), inr_bytes=inr.weights.nbytes, cloud_bytes=inr.cloud.points.nbytes,
            ms=statistics.median(t for t, _ in times)*1e3, best_ms=min(t for t, _ in times)*1e3)
        for inr, times in zip(inrs, wall)}
    assert len({r["inr_parameters"] for r in m["by_points"].values()}) == 1
    return m


def main(
    points: Annotated[list[int], typer.Option(help="points of the clouds")] = (2048, 8192, 32_768, 65_536),
    repeats: Annotated[int, typer.Option(help="how often each INR is embedded")] = 15,
    threads: Annotated[int, typer.Option(help="PyTorch threads")] = 2,
    seed: int = 0,
    family: str = "chair",
    out: Path = Path("results"),
):
    "Time the probing encoder and the paper's."
    watch, spec = Stopwatch(), SirenSpec()
    with watch("fitting"):
        mesh = make_shape(family, seed)
        inrs = [inr_of(spec, Shape(mesh.name, points=with_points(mesh, n).points), seed) for n in points]
    with watch("embedding"):
        metrics = {name: measured(name, inrs, repeats, threads, seed) for name in ENCODERS}
    rows = []
    for name, m in metrics.items():
        for n, r in m["by_points"].items():
            rows.append(dict(encoder=name, points=int(n), **{k: r[k] for k in ("inr_parameters", "ms", "best_ms")},
                             core_ms=m["core_ms"], floor_ms=m["floor_ms"]))
    print(comparison_table(rows, digits=1))
    torch.set_num_threads(threads)  # what `environment` records
    parameters = dict(threads=threads, repeats=repeats, points=list(points), hidden=spec.hidden, layers=spec.layers,
                      family=family, load=os.getloadavg()[0])
    metrics = dict(goal_ms=GOAL_MS, **metrics)
    print(save_result(Result("bench-embed", "paper", "families", seed, metrics, parameters, watch.seconds), out).name)


if __name__ == "__main__": typer.run(main)
