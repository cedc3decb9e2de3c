"""Everything that wants a GPU, in one run: fitting, training and embedding at the paper's sizes.

All of it is compared with plain loops after the paper on the same GPU. Each part is saved as soon as it is measured, so
that a run that is cut short leaves what it has. Wall clocks, with the GPU waited for; ratios are of medians over turns
in which both are timed.

**Fitting.** The plain loop of `benchmarks/fit.py` (eager float32, 16 INRs at once, `multinomial`), and this engine in
float32, TF32 and bfloat16, the last two also fused, with more and more INRs at once, as milliseconds of a step for each
INR and as a share of what a large matrix product reaches in that precision. Then whole fits: the plain loop's 500 steps
of 10,000 queries, the engine's same steps, and `presets.QUICK`, with error and Chamfer distance on queries that none of
them has seen. **Training.** The plain loop of `benchmarks/train.py` and `inr2vec.embedding.training` in each precision,
and compiled, both encoders, samples a second. **Embedding.** One INR at a time. What fails is left out with its reason.

    python benchmarks/gpu.py
    # every part in small: proves that it runs, and its figures mean nothing
    python benchmarks/gpu.py --device cpu --small
"""
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from fit import PAPER, UNSEEN, Task, quality, queries, reference
from train import Data, agreement, compare

from inr2vec.core.errors import EmptyShape, Inr2VecError
from inr2vec.core.seeds import seed_for
from inr2vec.core.stopwatch import Stopwatch
from inr2vec.data.families import make_families
from inr2vec.embedding.presets import QUICK, Preset, get_preset, make_encoder
from inr2vec.inrs.fitting import FitSpec, fit_batch
from inr2vec.inrs.manual_grad import PRECISIONS
from inr2vec.inrs.muon import tf32_products
from inr2vec.inrs.queries import QuerySpec
from inr2vec.inrs.siren import shared_init
from inr2vec.report.results import Result, comparison_table
from inr2vec.report.storage import save_result

SMALL = {
    "siren.hidden": 32, "fit.points": 256, "fit.steps": 200, "fit.lr": 2e-3, "fit.decay": True, "fit.batch": 4,
    "questions.surface": 200, "questions.close": 400, "questions.medium": 300, "questions.far": 50,
    "questions.uniform": 50, "encoder.rows": [64, 64], "encoder.embed_dim": 64, "encoder.learned": 16,
    "encoder.shells": 4, "encoder.on_each": 32, "encoder.hidden": [64], "decoder.hidden": 64, "train.points": 64,
}
WAYS = {
    "float32": dict(precision="float32"), "tf32": dict(precision="tf32"),
    "tf32, fused": dict(precision="tf32", fused=True), "bfloat16": dict(precision="bfloat16"),
    "bfloat16, fused": dict(precision="bfloat16", fused=True),
}  # of fitting


@dataclass
class Options:
    "What all parts have in common."
    device: str
    preset: Preset
    over: dict               # of the preset
    small: bool
    shapes: int
    steps: int               # timed in a turn
    turns: int
    at_once: list[int]       # INRs in a step
    seed: int


def why_not(e: RuntimeError) -> str:
    "The reason in a line; the GPU's memory is free again."
    if isinstance(e, torch.cuda.OutOfMemoryError):
        torch.cuda.empty_cache()
        return "the GPU's memory is full"
    return f"{type(e).__name__}: {str(e).strip().splitlines()[0][:200] if str(e).strip() else ''}"


def seconds(device: str, work: Callable, *args) -> tuple[float, object]:
    "By the wall clock, with the GPU waited for before and after; and what `work` returns."
    def wait():
        if device.startswith("cuda"): torch.cuda.synchronize()
    wait()
    start = time.perf_counter()
    out = work(*args)
    wait()
    return time.perf_counter() - start, out


def peaks(device: str, n: int) -> dict[str, float]:
    "FLOP/s that a large product reaches in each precision."
    def rate(dtype, short):
        a = torch.randn(n, n, device=device, dtype=dtype)
        with tf32_products(short):
            a @ a
            took, _ = seconds(device, lambda: [a @ a for _ in range(8)])
        return 16*n**3/took
    return dict(float32=rate(torch.float32, False), tf32=rate(torch.float32, True),
                bfloat16=rate(torch.bfloat16, False))


def fit_by_engine(task: Task, fit: FitSpec, seed: int) -> torch.Tensor:
    "Weights (b, num_params) of the engine."
    return fit_batch(task.spec, task.init, task.x, task.value, task.field, fit, seed).weights


def some_of(task: Task, n: int, device: str) -> Task:
    "`n` INRs, the same over again if need be, on the device."
    i = torch.arange(n) % len(task.x)
    return replace(task, init=task.init.to(device), x=task.x[i].to(device), value=task.value[i].to(device))


def step_row(o: Options, task: Task, work: Callable, fit: FitSpec, peak: float) -> dict:
    "Milliseconds of a step for each INR; what fails, for want of memory for one, is left out with the reason."
    n = len(task.x)
    try:
        work(task, fit, o.seed)
        took = statistics.median(seconds(o.device, work, task, fit, o.seed)[0] for _ in range(o.turns))
    except RuntimeError as e: return dict(at_once=n, reason=why_not(e))
    ms = 1e3*took/fit.steps/n
    return dict(at_once=n, precision=fit.precision, ms=ms, inrs_per_s=1e3/ms/o.preset.fit.steps,
                share_of_peak=6*o.preset.siren.num_params*fit.points/ms*1e3/peak)


def fitting_speed(o: Options, task: Task, peak: dict[str, float]) -> dict:
    "A step of the plain loop and of ours, in every way and with more and more INRs at once."
    fit, rows = replace(o.preset.fit, steps=o.steps), {}
    cases = {"plain": (min(16, max(o.at_once)), reference, fit)}
    for way, options in WAYS.items():
        for n in o.at_once: cases[f"ours, {way}, {n} at once"] = (n, fit_by_engine, replace(fit, **options))
    for name, (n, work, how) in cases.items():
        rows[name] = step_row(o, some_of(task, n, o.device), work, how, peak[how.precision])
        print(f"{name}: {rows[name]}", flush=True)
    for row in rows.values():
        if "ms" in row and "ms" in rows["plain"]: row["ratio"] = rows["plain"]["ms"]/row["ms"]
    return rows


def whole_fit(o: Options, task: Task, work: Callable, fit: FitSpec) -> dict:
    "Seconds, error and Chamfer distance of one way; what fails is left out with its reason."
    try: took, weights = seconds(o.device, work, task, fit, seed_for(o.seed, "gpu"))
    except RuntimeError as e: return dict(reason=why_not(e))
    try: found = {k: float(v.mean()) for k, v in quality(task, weights).items()}
    except EmptyShape as e: return dict(seconds_each=took/len(task.x), reason=e.problem)     # others still count
    return dict(seconds_each=took/len(task.x), inrs_per_s=len(task.x)/took, **found)


def whole_fits(o: Options, task: Task, quick: FitSpec) -> dict:
    "Whole fits by every way, the plain loop's first, and how the others differ from it."
    task, out = some_of(task, len(task.x), o.device), {}
    ways = {"plain": (reference, o.preset.fit)}
    for what, fit in (("the same steps", o.preset.fit), ("fewer steps", quick)):
        for way, options in WAYS.items(): ways[f"{what}, {way}"] = (fit_by_engine, replace(fit, **options))
    for name, (work, fit) in ways.items():
        row = out[name] = whole_fit(o, task, work, fit)
        first = out["plain"]
        if "error" in row and "error" in first:
            row["ratio"] = first["seconds_each"]/row["seconds_each"]
            row |= {f"{k}_difference": row[k]/first[k] - 1 for k in ("error", "chamfer")}
        print(f"whole fits, {name}: {row}", flush=True)
    return out


def training_speed(o: Options, kind: str) -> dict:
    "Samples a second of a whole training of one encoder, plain (float32) and ours, by precision."
    names = [f"train.{k}" for k in ("degrees", "stretch", "shift", "contrast")]
    extra = {"encoder.kind": "paper"} | dict.fromkeys(names, 0.)
    if kind == "probing": extra = {"train.views": 8, "encoder.kind": kind} | dict(zip(names, (15., .1, .05, .05)))
    p = get_preset("paper", **{**o.over, **extra})
    with tempfile.TemporaryDirectory() as tmp:
        data = Data.make(p, 16 if o.small else 64, Path(tmp), o.seed).to(o.device)
        out = dict(loss_difference=agreement(p, data, steps=2))
        for precision in PRECISIONS:
            for compiled in (False, True) if data.weights.is_cuda else (False,):
                way, at = precision + ", compiled"*compiled, get_preset(p, **{"train.precision": precision})
                try: out[way] = compare(at, data, o.steps, o.turns, torch.get_num_threads(), compiled=compiled)
                except RuntimeError as e: out[way] = dict(reason=why_not(e))
        return out


def embedding_speed(o: Options, kind: str, repeats: int) -> dict:
    "Milliseconds of one embedding at a time."
    p = get_preset("paper", **{**o.over, "encoder.kind": kind})
    torch.manual_seed(o.seed)
    encoder, w = make_encoder(p).eval().to(o.device), shared_init(p.siren, o.seed)[None].to(o.device)
    with torch.inference_mode():
        for _ in range(5): encoder(w)
        times = [1e3*seconds(o.device, encoder, w)[0] for _ in range(repeats)]
    return dict(ms=statistics.median(times), best_ms=min(times))


def training_table(training: dict) -> str:
    "Samples a second, plain and ours, by encoder and way."
    rows = []
    for kind, ways in training.items():
        for way, r in ways.items():
            if not isinstance(r, dict): continue
            row = dict(encoder=kind, way=way)
            if "ratio" in r: row |= {w: r[w]["samples_per_s"] for w in ("plain", "ours")} | dict(ratio=r["ratio"])
            rows.append(row | ({} if "ratio" in r else r))
    return comparison_table(rows)


def main(
    device: str = "cuda",
    small: Annotated[bool, typer.Option(help="everything in small: only proves that it runs")] = False,
    seed: int = 0,
    shapes: Annotated[int, typer.Option(help="of whole fits")] = 16,
    steps: Annotated[int, typer.Option(help="timed in a turn")] = 20,
    turns: int = 3,
    out: Path = Path("results"),
):
    "Measure every part on one device."
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise Inr2VecError(device, "there is no GPU that this PyTorch can use",
                           "install a CUDA build of PyTorch, or try --device cpu --small")
    over, at_once = (SMALL, [2, 4]) if small else ({}, [16, 64, 128])
    if small: shapes, steps, turns = 2, 2, 1
    o = Options(device, get_preset("paper", **over), over, small, shapes, steps, turns, at_once, seed)
    fewer = {"fit.steps": 100, "fit.points": 256, "fit.lr": 4e-3} if small else {}
    quick, watch = get_preset("paper", **{**QUICK["paper"], **fewer}).fit, Stopwatch()
    metrics = dict(gpu=torch.cuda.get_device_name() if device.startswith("cuda") else "none", load=os.getloadavg()[0],
                   peak=peaks(device, 512 if small else 8192))
    print(metrics, flush=True)

    def save() -> Path:
        parameters = dict(device=device, small=small, shapes=shapes, steps=steps, turns=turns)
        name = "smoke" if small else "paper"
        return save_result(Result("bench-gpu", name, "families", seed, metrics, parameters, watch.seconds), out)
    with watch("queries"):
        made = make_families(-(-shapes//16), seed=seed, start=100_000, progress=False)[:shapes]
        spec = QuerySpec(300, 700, 600, 100, 100) if small else PAPER
        task = Task(o.preset.siren, shared_init(o.preset.siren, seed), *queries(made, spec, seed), "udf", made,
                    queries(made, UNSEEN, seed + 1))
    with watch("embedding"):
        metrics["embedding"] = {kind: embedding_speed(o, kind, 5 if small else 100) for kind in ("probing", "paper")}
    print(metrics["embedding"], flush=True)
    save()
    with watch("steps"): metrics["steps"] = fitting_speed(o, task, metrics["peak"])
    save()
    with watch("training"): metrics["training"] = {kind: training_speed(o, kind) for kind in ("probing", "paper")}
    print(training_table(metrics["training"]), flush=True)
    save()
    with watch("whole fits"): metrics["whole fits"] = whole_fits(o, task, quick)
    print(save().name)


if __name__ == "__main__": typer.run(main)
