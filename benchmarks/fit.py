"""Fitting INRs: this project's engine and a plain loop after the paper, side by side in one run.

The plain loop is what Appendix A describes and what one writes first: 16 INRs as batched tensors, at every step a fresh draw of queries without replacement
(`torch.multinomial` over all queries of all 16), eager float32 products, autograd, binary cross-entropy with logits, `torch.optim.Adam` as it comes.

Both get the same shapes, queries, initialisation, steps and threads. Times are of short stretches in turn, so that other load on the machine meets both, and ratios are
medians over the turns (a stretch of ours includes measuring the final error, which counts against it). Quality is that of whole fits, on queries that neither has seen.

Two ratios are printed. `core_ratio` compares processor time with one thread each: it says how much less work there is, and other load disturbs it least; it is the one to quote, as is
`whole_fit_core_ratio`, the same for whole fits. `ratio` compares
wall clocks with `--threads` threads each. On an idle machine the two should be near each other; on a busy one the plain loop's threads wait for one another at every operation, and `ratio` grows
far beyond what an idle machine would show. `fewer steps` is this engine as one would use it who is free to choose the rule, the start and the steps (the learned start for narrow INRs, `presets.QUICK` for the paper's), so long as the
quality is the same: its ratio is of whole fits. All shapes are ones from which no start was learned and for which no rate was chosen. Where the processor multiplies bfloat16, `ours bf16` is the same engine with `precision="bf16"`. `load` is the machine's load average next to them.

    python benchmarks/fit.py                        # widths 64 and 128 as the laptop preset has them, a probe of the paper's 512
    python benchmarks/fit.py --widths 64 --no-quality --no-probe
    python benchmarks/fit.py --paper-fits 3 --no-probe --no-laptop --threads 1   # whole fits of the paper's INRs, about a quarter of an hour of a core each
    python benchmarks/fit.py --paper-fits 2 --no-probe --no-laptop --threads 1 --field sdf   # the same for signed distances of meshes
    INR2VEC_KERNELS=bf16 python benchmarks/fit.py --widths 64 --no-probe --turns 1 --timed 2   # the quality of bfloat16, emulated if need be
"""
import json, os, platform, statistics, time
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import typer
from torch import Tensor

from inr2vec.core.errors import one_of
from inr2vec.data.families import make_families
from inr2vec.inrs.targets import CLIP, from_logit, to_label
from inr2vec.inrs.fitting import FitSpec, fit_batch
from inr2vec.inrs.starts import initialisation
from inr2vec.core.metrics import chamfer_distance
from inr2vec.embedding.presets import QUICK, get_preset
from inr2vec.inrs.queries import QuerySpec, make_queries
from inr2vec.inrs.reconstruction import inr_field, reconstruct
from inr2vec.inrs.reconstruction import as_points
from inr2vec.core.seeds import seed_for
from inr2vec.inrs.c_kernels import fast_bf16, kernels
from inr2vec.inrs.siren import SirenSpec, evaluate, shared_init

LAPTOP = QuerySpec(surface=6_000, close=15_000, medium=12_000, far=1_500, uniform=1_500)
PAPER = QuerySpec(surface=100_000, close=200_000, medium=150_000, far=25_000, uniform=25_000)
FIELD = "udf"     # or 'sdf', see `main`
UNSEEN = QuerySpec(surface=500, close=2500, medium=2000, far=250, uniform=250)

def reference(
    spec: SirenSpec, init: Tensor, x: Tensor, value: Tensor, fit: FitSpec, seed: int
) -> Tensor:  # (b, num_params)
    "The plain loop."
    torch.manual_seed(seed)
    data = torch.cat([x, to_label(FIELD, value).unsqueeze(-1)], -1)
    params = [p.clone().requires_grad_() for p in spec.unflatten(init.expand(len(x), -1)).values()]
    opt = torch.optim.Adam(params, lr=fit.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, fit.steps) if fit.decay else None
    weights = torch.ones(data.shape[:2], device=data.device)
    for _ in range(fit.steps):
        drawn = torch.multinomial(weights, fit.points)
        batch = data.gather(1, drawn.unsqueeze(-1).expand(-1, -1, 4))
        h = batch[..., :3]
        for i in range(0, len(params), 2):
            h = torch.bmm(h, params[i].transpose(1, 2)) + params[i + 1].unsqueeze(1)
            if i < len(params) - 2: h = torch.sin(spec.w0*h)
        loss = F.binary_cross_entropy_with_logits(h.squeeze(-1), batch[..., 3])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if schedule: schedule.step()
    return spec.flatten(dict(zip(spec.shapes, (p.detach() for p in params))))

def ours(spec, init, x, value, fit, seed): return fit_batch(spec, init, x, value, FIELD, fit, seed).weights

def ours_bf16(spec, init, x, value, fit, seed): return ours(spec, init, x, value, replace(fit, precision="bf16"), seed)

LEARNED = {
    64: dict(steps=175, lr=1e-3),
    128: dict(steps=200, lr=7e-4),
}  # found on other shapes, from the learned start, against 300 steps at 1e-3


def fewer_steps(setting: str, width: int) -> tuple[FitSpec, str]:
    "Rule, rate, steps and points of a fit that reaches the same in less work, and where it starts."
    if setting == "laptop" and width in LEARNED: return replace(get_preset("laptop").fit, **LEARNED[width]), "meta"
    p = get_preset(setting, **QUICK[setting])
    if p.siren.hidden != width:
        raise typer.BadParameter(
            f"no quick way is known for {width} wide INRs of the {setting} preset: leave quality out with --no-quality"
        )
    return p.fit, p.init

def contenders() -> dict:
    "The plain loop and ours; in bfloat16 as well where the processor multiplies that (or INR2VEC_KERNELS is `bf16`, for its quality: the speed of that says nothing)."
    return {"reference": reference, "ours": ours} | ({"ours bf16": ours_bf16} if fast_bf16() else {})

def seconds(work, threads: int) -> tuple[float, float, object]:  # wall, processor, what `work` returns
    torch.set_num_threads(threads)
    wall, core = time.perf_counter(), time.process_time()
    out = work()
    return time.perf_counter() - wall, time.process_time() - core, out

def peak(threads: int, n: int = 1536) -> tuple[float, float]:  # FLOP/s by wall clock, and by processor time
    "What a large product of float32 matrices reaches right now."
    a, out = torch.randn(n, n), torch.empty(n, n)
    wall, core, _ = seconds(lambda: [torch.mm(a, a, out=out) for _ in range(2)], threads)
    return 4*n**3/wall, 4*n**3/core

def speed(spec, init, x, value, fit: FitSpec, threads: int, turns: int, seed: int) -> dict:
    "Both in turn; `fit` has as many steps as a turn should take."
    fits = contenders()
    flops = 6*spec.num_params*fit.points*fit.steps*len(x)
    for f in fits.values(): f(spec, init, x[:1], value[:1], FitSpec(steps=1, points=fit.points), seed)
    rows = []
    for turn in range(turns):
        row = {}
        for name, f in list(fits.items())[::1 - turn % 2*2]:
            row[f"{name}_wall"], _, _ = seconds(lambda: f(spec, init, x, value, fit, seed), threads)
            row[f"{name}_peak"] = flops/row[f"{name}_wall"]/peak(threads)[0]
            _, row[f"{name}_core"], _ = seconds(lambda: f(spec, init, x, value, fit, seed), 1)
            row[f"{name}_core_peak"] = flops/row[f"{name}_core"]/peak(1)[1]
        rows.append(row)
    def median(key):
        return statistics.median(key(r) if callable(key) else r[key] for r in rows)
    out = dict(
        inrs=len(x),
        steps_timed=fit.steps,
        turns=turns,
        load=os.getloadavg()[0],
        ratio=median(lambda r: r["reference_wall"] / r["ours_wall"]),
        core_ratio=median(lambda r: r["reference_core"] / r["ours_core"]),
    )
    if "ours bf16" in fits:
        out |= dict(
            bf16_ratio=median(lambda r: r["reference_wall"] / r["ours bf16_wall"]),
            bf16_core_ratio=median(lambda r: r["reference_core"] / r["ours bf16_core"]),
        )
    for name in fits:
        out[name] = dict(
            ms_per_step=median(f"{name}_wall") / fit.steps / len(x) * 1e3,
            core_ms_per_step=median(f"{name}_core") / fit.steps / len(x) * 1e3,
            share_of_peak=median(f"{name}_peak"),
            core_share_of_peak=median(f"{name}_core_peak"),
        )
    return out

def quality(spec, weights: Tensor, shapes, x: Tensor, value: Tensor) -> dict:
    "Field error near the surface on held-out queries, and the Chamfer distance of the points that come back to the cloud; worked out where the weights are."
    x, value = x.to(weights.device), value.to(weights.device)
    with torch.no_grad(): error = (from_logit(FIELD, evaluate(spec, weights, x)) - value.clamp(-CLIP, CLIP)).abs()
    near = value.abs() < CLIP
    back = [as_points(reconstruct(inr_field(spec, w), FIELD, 128, 2048), 2048) for w in weights]
    chamfer = [chamfer_distance(p, s.points) for p, s in zip(back, shapes)]
    return dict(
        error=((error * near).sum(1) / near.sum(1)).cpu().numpy(), chamfer=np.array(chamfer)
    )  # one of each for every shape


def queries(shapes, spec: QuerySpec, seed: int):
    return map(torch.from_numpy, map(np.stack, zip(*(make_queries(s, FIELD, spec, seed) for s in shapes))))

def whole_fits(
    row: dict, spec, init, fits: dict, fit: FitSpec, shapes, x, value, unseen, seeds: int, seed: int
) -> dict:
    "Seconds and quality of whole fits by each way and by fewer steps, and how these differ from the first way's."
    quick, kind = fewer_steps(row["setting"], row["width"])
    out = {name: dict(row.get(name, {})) for name in fits} | {
        "fewer steps": dict(
            rule=quick.rule, start=kind, steps=quick.steps, points=quick.points, lr=quick.lr, decay=quick.decay
        )
    }
    fits = fits | {
        "fewer steps": lambda spec, init, x, value, fit, seed: ours(
            spec, initialisation(spec, FIELD, kind, seed), x, value, replace(quick, batch=fit.batch), seed
        )
    }
    found = {}
    for name, f in fits.items():
        runs, spent = [], 0
        for run in range(seeds):  # one thread each: here the result counts, not the wall clock
            _, core, weights = seconds(
                lambda: f(spec, init, x, value, fit, seed_for(seed, "bench", row["width"], run)), 1
            )
            runs.append(quality(spec, weights, shapes, *unseen))
            spent += core
        found[name] = {key: np.stack([r[key] for r in runs]) for key in ("error", "chamfer")}  # (seeds, shapes)
        out[name].update(
            {key: float(v.mean()) for key, v in found[name].items()},
            chamfer_median=float(np.median(found[name]["chamfer"])),
            whole_fit_core_s=spent / len(x) / seeds,
        )
        print(f"whole fits at {row['width']} wide, {name}: {spent/len(x)/seeds:.2f} processor seconds each", flush=True)
    base, *others = found
    for name in others:
        mark = {"ours": "", "ours bf16": "bf16_", "fewer steps": "fewer_"}[name]
        for key in ("error", "chamfer"):   # by shape, and how far chance alone could move the mean of that
            d = (found[name][key].mean(0) - found[base][key].mean(0))/found[base][key].mean()
            out[f"{mark}{key}_difference"], out[f"{mark}{key}_difference_se"] = (
                float(d.mean()),
                float(d.std(ddof=1) / len(d) ** 0.5),
            )
        out[f"{mark}chamfer_median_difference"] = out[name]["chamfer_median"]/out[base]["chamfer_median"] - 1
        out[f"{mark}whole_fit_core_ratio"] = out[base]["whole_fit_core_s"]/out[name]["whole_fit_core_s"]
    return out

def main(
    widths: list[int] = typer.Option([64, 128], help="widths to time with laptop settings"),
    steps: int = typer.Option(300, help="steps of a whole fit"),
    points: int = typer.Option(1024, help="queries of each INR in a step"),
    lr: float = 1e-3,
    batch: int = typer.Option(16, help="INRs at once"),
    seed: int = 0,
    threads: int = typer.Option(2, help="PyTorch threads for both"),
    turns: int = typer.Option(3, help="how often each is timed"),
    timed: int = typer.Option(20, help="steps in a turn"),
    seeds: int = typer.Option(2, help="whole fits of each shape"),
    quality_too: bool = typer.Option(True, "--quality/--no-quality", help="whole fits, compared by what they reach"),
    probe: bool = typer.Option(True, help="the paper's 512-wide INRs, one step"),
    probe_batch: int = typer.Option(2, help="INRs at once there"),
    paper_fits: int = typer.Option(
        0, help="whole fits of so many of the paper's INRs, by the plain loop and by fewer steps"
    ),
    laptop: bool = typer.Option(True, help="the widths with laptop settings"),
    field: str = typer.Option("udf", help="or sdf, with --paper-fits alone"),
    out: Path = Path("results"),
):
    meta = dict(
        date=date.today().isoformat(),
        seed=seed,
        device=platform.processor() or platform.machine(),
        cores=os.cpu_count(),
        threads=threads,
        torch=torch.__version__,
        numpy=np.__version__,
        python=platform.python_version(),
        compiled=kernels() is not None,
        bf16_in_hardware=bool(kernels() and kernels()[0].native_bf16()),
        peak_gflops={t: peak(t)[0] / 1e9 for t in (1, threads)},
    )
    print(json.dumps(meta))
    global FIELD
    FIELD = one_of(field, ("udf", "sdf"), "field")
    if not laptop: widths = []
    if FIELD == "sdf" and (widths or probe):
        raise typer.BadParameter(
            "for sdf only --paper-fits, with --no-laptop --no-probe: the speed of a step is that of udf"
        )
    shapes = make_families(-(-batch//16), seed=seed, start=100_000, progress=False)[:batch]
    x, value = queries(shapes, LAPTOP, seed)
    unseen = tuple(queries(shapes, UNSEEN, seed + 1))
    results = []

    def note(row):
        results.append(row)
        print(json.dumps(row), flush=True)
        save()
    def save():
        out.mkdir(exist_ok=True)
        mark = "-emulated"*(fast_bf16() and not meta["bf16_in_hardware"])  # whose speed says nothing
        name = "-".join(
            map(
                str,
                [
                    *widths,
                    *([512] if probe else []),
                    *(["whole"] if paper_fits else []),
                    *(["sdf"] if FIELD == "sdf" else []),
                ],
            )
        )
        (out / f"bench-fit-{name}{mark}.json").write_text(
            json.dumps(
                dict(meta=meta, laptop_queries=asdict(LAPTOP), paper_queries=asdict(PAPER), results=results), indent=1
            )
            + "\n"
        )
    for width in widths:
        spec = SirenSpec(hidden=width)
        init = shared_init(spec, seed)
        row = dict(
            setting="laptop",
            width=width,
            params=spec.num_params,
            queries=x.shape[1],
            points=points,
            steps=steps,
            lr=lr,
            decay=True,
        )
        row.update(speed(spec, init, x, value, FitSpec(timed, points, lr, True, batch), threads, turns, seed))
        for name in contenders(): row[name]["inrs_per_s"] = 1e3/(row[name]["ms_per_step"]*steps)
        if quality_too:
            row.update(
                whole_fits(
                    row,
                    spec,
                    init,
                    contenders(),
                    FitSpec(steps, points, lr, True, batch),
                    shapes,
                    x,
                    value,
                    unseen,
                    seeds,
                    seed,
                )
            )
        note(row)
    if probe:
        spec, some = SirenSpec(), shapes[:probe_batch]
        x, value = queries(some, PAPER, seed)
        row = dict(
            setting="paper",
            width=spec.hidden,
            params=spec.num_params,
            queries=x.shape[1],
            points=10_000,
            lr=1e-4,
            decay=False,
        )
        note(
            row
            | speed(
                spec, shared_init(spec, seed), x, value, FitSpec(1, 10_000, 1e-4, False, probe_batch), threads, 2, seed
            )
        )
    if paper_fits:
        spec, fit = SirenSpec(), FitSpec(batch=paper_fits)
        some = shapes[:: max(1, len(shapes) // paper_fits)][:paper_fits]
        x, value = queries(some, PAPER, seed)
        near = tuple(queries(some, UNSEEN, seed + 1))
        row = dict(
            setting="paper",
            width=spec.hidden,
            params=spec.num_params,
            queries=x.shape[1],
            points=fit.points,
            steps=fit.steps,
            lr=fit.lr,
            decay=fit.decay,
            inrs=len(some),
            load=os.getloadavg()[0],
        )
        note(
            row
            | whole_fits(
                row, spec, shared_init(spec, seed), {"reference": reference}, fit, some, x, value, near, 1, seed
            )
            | dict(setting="paper, whole fits" + ", sdf" * (FIELD == "sdf"))
        )

if __name__ == "__main__": typer.run(main)
