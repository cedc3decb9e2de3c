"""Everything that wants a graphics card, in one run: fitting, training and embedding at the paper's sizes, beside plain loops after the paper on the same card.

Each part is saved as soon as it is measured, so that a run that is cut short leaves what it has. Wall clocks, with the card waited for; ratios are of medians over turns in which both are timed.

**Fitting.** The plain loop of `benchmarks/fit.py` (eager float32, 16 INRs at once, `multinomial`), and this engine in float32, TF32 and bfloat16, the last two also fused, with more and more INRs at once, as milliseconds of a step for each
INR and as a share of what a large matrix product reaches in that precision. Then whole fits: the plain loop's 500 steps of 10,000 queries, the engine's same steps, and `presets.QUICK`, with error and Chamfer distance on queries that
none of them has seen. **Training.** The plain loop of `benchmarks/train.py` and `inr2vec.embedding.training` in each precision, and compiled, both encoders, samples a second. **Embedding.** One INR at a time. What fails is left out with its reason.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --device cpu --small    # does every part in small: proves that it runs, and its figures mean nothing
"""
import os, statistics, tempfile, time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
import typer

from fit import PAPER, UNSEEN, quality, queries, reference
from inr2vec.core.errors import EmptyShape, Inr2VecError
from inr2vec.data.families import make_families
from inr2vec.inrs.fitting import FitSpec, fit_batch
from inr2vec.inrs.muon import tf32_products
from inr2vec.embedding.presets import QUICK, Preset, get_preset, make_encoder
from inr2vec.inrs.queries import QuerySpec
from inr2vec.report.results import Result, comparison_table, save_result
from inr2vec.core.stopwatch import Stopwatch
from inr2vec.core.seeds import seed_for
from inr2vec.inrs.siren import shared_init
from inr2vec.embedding.training import PRECISIONS
from train import agreement, compare, inrs_and_questions

SMALL = {
    "siren.hidden": 32,
    "fit.points": 256,
    "fit.steps": 200,
    "fit.lr": 2e-3,
    "fit.decay": True,
    "fit.batch": 4,
    "questions.surface": 200,
    "questions.close": 400,
    "questions.medium": 300,
    "questions.far": 50,
    "questions.uniform": 50,
    "encoder.rows": [64, 64],
    "encoder.embed_dim": 64,
    "encoder.learned": 16,
    "encoder.shells": 4,
    "encoder.on_each": 32,
    "encoder.hidden": [64],
    "decoder.hidden": 64,
    "train.points": 64,
}

WAYS = {
    "fp32": dict(precision="fp32"),
    "tf32": dict(precision="tf32"),
    "tf32, fused": dict(precision="tf32", fused=True),
    "bf16": dict(precision="bf16"),
    "bf16, fused": dict(precision="bf16", fused=True),
}  # of fitting


def why_not(e: RuntimeError) -> str:
    "In a line, and the card's memory free again."
    if isinstance(e, torch.cuda.OutOfMemoryError):
        torch.cuda.empty_cache()
        return "the card's memory is full"
    return f"{type(e).__name__}: {str(e).strip().splitlines()[0][:200] if str(e).strip() else ''}"

def seconds(work: Callable, device: str) -> tuple[float, object]:
    "By the wall clock, with the card waited for before and after."
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    wait()
    start = time.perf_counter()
    out = work()
    wait()
    return time.perf_counter() - start, out

def peaks(device: str, n: int) -> dict[str, float]:  # FLOP/s
    "What a large product reaches in each precision."
    def rate(dtype, short):
        a = torch.randn(n, n, device=device, dtype=dtype)
        with tf32_products(short):
            a @ a
            took, _ = seconds(lambda: [a @ a for _ in range(8)], device)
        return 16*n**3/took
    return dict(fp32=rate(torch.float32, False), tf32=rate(torch.float32, True), bf16=rate(torch.bfloat16, False))

def fitting_speed(
    p: Preset, x, value, device: str, steps: int, turns: int, sizes: list[int], peak: dict, seed: int
) -> dict:
    "Milliseconds of a step for each INR, plain and ours; what fails, for want of memory for one, is left out with the reason."
    init, fit, rows = shared_init(p.siren, seed).to(device), replace(p.fit, steps=steps), {}
    def time_of(f, n):
        some = torch.arange(n) % len(x)
        at, v = x[some].to(device), value[some].to(device)
        f(at, v)
        return statistics.median(seconds(lambda: f(at, v), device)[0] for _ in range(turns))
    def note(name, f, n, precision):
        try:
            ms = 1e3 * time_of(f, n) / steps / n
        except RuntimeError as e:
            rows[name] = dict(at_once=n, reason=why_not(e))
            print(f"{name}: {rows[name]['reason']}", flush=True)
            return
        rows[name] = dict(
            at_once=n,
            precision=precision,
            ms=ms,
            inrs_per_s=1e3 / ms / p.fit.steps,
            share_of_peak=6 * p.siren.num_params * fit.points / ms * 1e3 / peak[precision],
        )
        print(
            f"{name}: {ms:.3f} ms a step and INR, {rows[name]['inrs_per_s']:.2f} INRs a second at {p.fit.steps} steps",
            flush=True,
        )
    plain_at_once = min(16, max(sizes))
    note("plain", lambda a, v: reference(p.siren, init, a, v, fit, seed), plain_at_once, "fp32")
    for way, options in WAYS.items():
        for n in sizes:
            note(
                f"ours, {way}, {n} at once",
                lambda a, v: fit_batch(p.siren, init, a, v, "udf", replace(fit, **options), seed),
                n,
                options["precision"],
            )
    for row in rows.values():
        if "ms" in row and "ms" in rows["plain"]: row["ratio"] = rows["plain"]["ms"]/row["ms"]
    return rows

def whole_fits(p: Preset, quick: FitSpec, shapes, x, value, unseen, device: str, seed: int) -> dict:
    "Seconds, error and Chamfer distance of whole fits, the plain loop's first."
    init = shared_init(p.siren, seed).to(device)
    x, value = x.to(device), value.to(device)
    def ours(fit):
        return lambda: fit_batch(p.siren, init, x, value, "udf", fit, seed_for(seed, "gpu")).weights
    ways = {"plain": lambda: reference(p.siren, init, x, value, p.fit, seed_for(seed, "gpu"))}
    ways |= {
        f"{what}, {way}": ours(replace(fit, **options))
        for what, fit in (("the same steps", p.fit), ("fewer steps", quick))
        for way, options in WAYS.items()
    }
    out = {}
    for name, work in ways.items():
        try:
            took, weights = seconds(work, device)
        except RuntimeError as e:
            out[name] = dict(reason=why_not(e))
            print(f"whole fits, {name}: {out[name]['reason']}", flush=True)
            continue
        try:
            found = {k: float(v.mean()) for k, v in quality(p.siren, weights, shapes, *unseen).items()}
        except EmptyShape as e:
            out[name] = dict(seconds_each=took / len(x), reason=e.problem)
            print(f"whole fits, {name}: {e.problem}", flush=True)
            continue  # the other ways still count
        out[name] = dict(seconds_each=took/len(x), inrs_per_s=len(x)/took, **found)
        if "error" in (first := out.get("plain", {})):
            out[name] |= dict(
                ratio=first["seconds_each"] / out[name]["seconds_each"],
                **{f"{k}_difference": found[k] / first[k] - 1 for k in found},
            )
        print(f"whole fits, {name}: {out[name]}", flush=True)
    return out

def training_speed(p: Preset, inrs: int, device: str, steps: int, turns: int, seed: int) -> dict:
    "Samples a second of a whole training, plain (float32) and ours, by precision."
    with tempfile.TemporaryDirectory() as tmp:
        weights, q = inrs_and_questions(p, inrs, Path(tmp), seed)
        data = weights.to(device), replace(q, x=q.x.to(device), label=q.label.to(device)), Path(tmp), seed
        out = dict(loss_difference=agreement(p, *data, steps=2))
        for precision in PRECISIONS:
            for compiled in (False, *([True] if data[0].is_cuda else [])):
                way = precision + ", compiled"*compiled
                try:
                    out[way] = compare(
                        get_preset(p, **{"train.precision": precision}),
                        data,
                        steps,
                        turns,
                        torch.get_num_threads(),
                        compiled=compiled,
                    )
                except RuntimeError as e:
                    out[way] = dict(reason=why_not(e))
        return out

def embedding_speed(p: Preset, device: str, repeats: int, seed: int) -> dict:
    "Milliseconds of one embedding at a time."
    torch.manual_seed(seed)
    encoder, w = make_encoder(p).eval().to(device), shared_init(p.siren, seed)[None].to(device)
    with torch.inference_mode():
        for _ in range(5): encoder(w)
        times = [1e3*seconds(lambda: encoder(w), device)[0] for _ in range(repeats)]
    return dict(ms=statistics.median(times), best_ms=min(times))

def main(
    device: str = "cuda",
    small: bool = typer.Option(False, help="everything in small: only proves that it runs"),
    seed: int = 0,
    shapes: int = typer.Option(16, help="of whole fits"),
    steps: int = typer.Option(20, help="timed in a turn"),
    turns: int = 3,
    out: Path = Path("results"),
):
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise Inr2VecError(
            device,
            "there is no card that this PyTorch can use",
            "install a CUDA build of PyTorch, or try --device cpu --small",
        )
    over, name = (SMALL if small else {}), "smoke" if small else "paper"
    sizes, shapes, steps, turns, spec = (
        ([2, 4], 2, 2, 1, QuerySpec(300, 700, 600, 100, 100)) if small else ([16, 64, 128], shapes, steps, turns, PAPER)
    )
    p, watch = get_preset("paper", **over), Stopwatch()
    quick = get_preset(
        "paper", **{**QUICK["paper"], **({"fit.steps": 100, "fit.points": 256, "fit.lr": 4e-3} if small else {})}
    ).fit
    metrics = dict(
        card=torch.cuda.get_device_name() if device.startswith("cuda") else "none",
        load=os.getloadavg()[0],
        peak=peaks(device, 512 if small else 8192),
    )
    print(metrics, flush=True)

    def save():
        return save_result(
            Result(
                "bench-gpu",
                name,
                "families",
                seed,
                metrics,
                dict(device=device, small=small, shapes=shapes, steps=steps, turns=turns),
                watch.seconds,
            ),
            out,
        )
    with watch("queries"):
        made = make_families(-(-shapes//16), seed=seed, start=100_000, progress=False)[:shapes]
        (x, value), unseen = queries(made, spec, seed), tuple(queries(made, UNSEEN, seed + 1))
    with watch("embedding"):
        metrics["embedding"] = {
            kind: embedding_speed(
                get_preset("paper", **{**over, "encoder.kind": kind}), device, 5 if small else 100, seed
            )
            for kind in ("probing", "paper")
        }
    print(metrics["embedding"], flush=True)
    save()
    with watch("steps"):
        metrics["steps"] = fitting_speed(p, x, value, device, steps, turns, sizes, metrics["peak"], seed)
    save()
    with watch("training"):
        still = {f"train.{k}": 0. for k in ("degrees", "stretch", "shift", "contrast")}
        moved = dict(zip(still, (15., .1, .05, .05))) | {"train.views": 8, "encoder.kind": "probing"}
        metrics["training"] = {
            kind: training_speed(
                get_preset("paper", **{**over, **extra}), 16 if small else 64, device, steps, turns, seed
            )
            for kind, extra in (("probing", moved), ("paper", still))
        }
    print(
        comparison_table(
            [
                dict(
                    encoder=k,
                    way=way,
                    **(
                        {w: r[w]["samples_per_s"] for w in ("plain", "ours")} | dict(ratio=r["ratio"])
                        if "ratio" in r
                        else r
                    ),
                )
                for k, v in metrics["training"].items()
                for way, r in v.items()
                if isinstance(r, dict)
            ]
        ),
        flush=True,
    )
    save()
    with watch("whole fits"): metrics["whole fits"] = whole_fits(p, quick, made, x, value, unseen, device, seed)
    print(save().name)

if __name__ == "__main__": typer.run(main)
