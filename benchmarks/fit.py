"""Fitting INRs: this project's engine compared with a plain loop after the paper, in one run.

The plain loop is what Appendix F describes and what one writes first: 16 INRs as batched tensors, at every step a fresh
draw of queries without replacement (`torch.multinomial` over all queries of all 16), eager float32 products, autograd,
binary cross-entropy with logits, `torch.optim.Adam` as it comes.

Both get the same shapes, queries, initialisation, steps and threads. Times are of short stretches in turn, so that
other load on the machine meets both, and ratios are medians over the turns (a stretch of ours includes measuring the
final error, which counts against it). Quality is that of whole fits, on queries that neither has seen.

Two ratios are printed. `core_ratio` compares processor time with one thread each: it says how much less work there is,
and other load disturbs it least; it is the one to quote, as is `whole_fit_core_ratio`, the same for whole fits. `ratio`
compares wall clocks with `--threads` threads each. On an idle machine the two should be near each other; on a busy one
the plain loop's threads wait for one another at every operation, and `ratio` grows far beyond what an idle machine
would show. `fewer steps` is this engine as one would use it who is free to choose the rule, the start and the steps
(the learned start for narrow INRs, `presets.QUICK` for the paper's), so long as the quality is the same: its ratio is
of whole fits. All shapes are ones from which no start was learned and for which no rate was chosen. Where the processor
multiplies bfloat16, `ours bf16` is the same engine with `precision="bfloat16"`. `load` is the machine's load average.

    python benchmarks/fit.py                        # widths 64 and 128 as the laptop preset has them, a probe of 512
    python benchmarks/fit.py --widths 64 --no-quality --no-probe
    # whole fits of the paper's INRs, about a quarter of an hour of a core each, and the same for meshes
    python benchmarks/fit.py --paper-fits 3 --no-probe --no-laptop --threads 1
    python benchmarks/fit.py --paper-fits 2 --no-probe --no-laptop --threads 1 --field sdf
    # the quality of bfloat16, emulated if need be
    INR2VEC_KERNELS=bfloat16 python benchmarks/fit.py --widths 64 --no-probe --turns 1 --timed 2
"""
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from dataclasses import field as field_of
from datetime import date
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import typer
from torch import Tensor

from inr2vec.core.errors import one_of
from inr2vec.core.metrics import chamfer_distance
from inr2vec.core.seeds import seed_for
from inr2vec.data.families import make_families
from inr2vec.data.shapes import Shape
from inr2vec.embedding.presets import BY_ADAM, QUICK, get_preset
from inr2vec.inrs.c_kernels import bfloat16_in_hardware, compiled_kernels, fast_bfloat16
from inr2vec.inrs.fitting import FitSpec, fit_batch
from inr2vec.inrs.queries import QuerySpec, make_queries
from inr2vec.inrs.reconstruction import as_points, inr_field, reconstruct
from inr2vec.inrs.siren import SirenSpec, evaluate, shared_init
from inr2vec.inrs.starts import initialisation
from inr2vec.inrs.targets import CLIP, from_logit, to_label

LAPTOP = QuerySpec(surface=6_000, close=15_000, medium=12_000, far=1_500, uniform=1_500)
PAPER = QuerySpec(surface=100_000, close=200_000, medium=150_000, far=25_000, uniform=25_000)
UNSEEN = QuerySpec(surface=500, close=2500, medium=2000, far=250, uniform=250)
# found on other shapes, from the learned start
LEARNED = {64: dict(steps=175, lr=1e-3), 128: dict(steps=200, lr=7e-4)}
SHORT = "ours bf16"      # as recorded results call the engine in bfloat16


@dataclass
class Task:
    "INRs to be fitted, and what they are compared by."
    spec: SirenSpec
    init: Tensor                    # (num_params,)
    x: Tensor                       # (b, q, 3) queries
    value: Tensor                   # (b, q)
    field: str = "udf"              # or 'sdf'
    shapes: list[Shape] = field_of(default_factory=list)
    unseen: tuple = ()              # other queries, (b, q, 3) and (b, q)

    def first(self) -> "Task":
        "Its first INR alone."
        return replace(self, x=self.x[:1], value=self.value[:1])


def reference(task: Task, fit: FitSpec, seed: int) -> Tensor:
    "The plain loop: weights (b, num_params)."
    spec = task.spec
    torch.manual_seed(seed)
    data = torch.cat([task.x, to_label(task.field, task.value).unsqueeze(-1)], -1)
    params = [p.clone().requires_grad_() for p in spec.unflatten(task.init.expand(len(task.x), -1)).values()]
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


def ours(task: Task, fit: FitSpec, seed: int) -> Tensor:
    "The engine: weights (b, num_params)."
    return fit_batch(task.spec, task.init, task.x, task.value, task.field, fit, seed).weights


def ours_bfloat16(task: Task, fit: FitSpec, seed: int) -> Tensor:
    "The engine with products of bfloat16."
    return ours(task, replace(fit, precision="bfloat16"), seed)


def contenders() -> dict[str, Callable]:
    "The plain loop and ours; in bfloat16 as well where it is in hardware, or INR2VEC_KERNELS asks for it."
    return {"reference": reference, "ours": ours} | ({SHORT: ours_bfloat16} if fast_bfloat16() else {})


def fewer_steps(setting: str, width: int) -> tuple[FitSpec, str]:
    "Rule, rate, steps and points of a fit that reaches the same in less work, and where it starts."
    by_adam = get_preset("laptop", **BY_ADAM["laptop"]).fit
    if setting == "laptop" and width in LEARNED: return replace(by_adam, **LEARNED[width]), "meta"
    p = get_preset(setting, **QUICK[setting])
    if p.siren.hidden == width: return p.fit, p.init
    raise typer.BadParameter(f"no quick way is known for {width} wide INRs of the {setting} preset: leave quality out "
                             "with --no-quality")


def seconds(threads: int, work: Callable, *args) -> tuple[float, float, object]:
    "Seconds by wall clock and of the processor, and what `work` returns."
    torch.set_num_threads(threads)
    wall, core = time.perf_counter(), time.process_time()
    out = work(*args)
    return time.perf_counter() - wall, time.process_time() - core, out


def peak(threads: int, n: int = 1536) -> tuple[float, float]:
    "FLOP/s of a large product of float32 matrices right now, by wall clock and by processor time."
    a, out = torch.randn(n, n), torch.empty(n, n)
    wall, core, _ = seconds(threads, lambda: [torch.mm(a, a, out=out) for _ in range(2)])
    return 4*n**3/wall, 4*n**3/core


def one_turn(task: Task, fit: FitSpec, fits: dict[str, Callable], threads: int, seed: int) -> dict[str, float]:
    "Seconds of each, with all threads and with one, and the shares of the peak."
    row, flops = {}, 6*task.spec.num_params*fit.points*fit.steps*len(task.x)
    for name, work in fits.items():
        row[f"{name}_wall"], _, _ = seconds(threads, work, task, fit, seed)
        row[f"{name}_peak"] = flops/row[f"{name}_wall"]/peak(threads)[0]
        _, row[f"{name}_core"], _ = seconds(1, work, task, fit, seed)
        row[f"{name}_core_peak"] = flops/row[f"{name}_core"]/peak(1)[1]
    return row


def speed(task: Task, fit: FitSpec, threads: int, turns: int, seed: int) -> dict:
    "All in turn; `fit` has as many steps as a turn should take."
    fits = contenders()
    for work in fits.values(): work(task.first(), FitSpec(steps=1, points=fit.points), seed)
    rows = []
    for turn in range(turns):
        order = list(fits.items())[::1 - turn % 2*2]
        rows.append(one_turn(task, fit, dict(order), threads, seed))
    def median(key): return statistics.median(r[key] for r in rows)
    def ratio(name, kind): return statistics.median(r[f"reference_{kind}"]/r[f"{name}_{kind}"] for r in rows)
    out = dict(inrs=len(task.x), steps_timed=fit.steps, turns=turns, load=os.getloadavg()[0],
               ratio=ratio("ours", "wall"), core_ratio=ratio("ours", "core"))
    if SHORT in fits: out |= dict(bf16_ratio=ratio(SHORT, "wall"), bf16_core_ratio=ratio(SHORT, "core"))
    each = fit.steps*len(task.x)
    for name in fits:
        out[name] = dict(
            ms_per_step=median(f"{name}_wall")/each*1e3, core_ms_per_step=median(f"{name}_core")/each*1e3,
            share_of_peak=median(f"{name}_peak"), core_share_of_peak=median(f"{name}_core_peak"))
    return out


def quality(task: Task, weights: Tensor) -> dict[str, np.ndarray]:
    "For each INR, the error near the surface on unseen queries, and how far what comes back is from its cloud."
    x, value = (t.to(weights.device) for t in task.unseen)
    with torch.no_grad():
        error = (from_logit(task.field, evaluate(task.spec, weights, x)) - value.clamp(-CLIP, CLIP)).abs()
    near = value.abs() < CLIP
    back = [as_points(reconstruct(inr_field(task.spec, w), task.field, 128, 2048), 2048) for w in weights]
    chamfer = np.array([chamfer_distance(p, s.points) for p, s in zip(back, task.shapes)])
    return dict(error=((error*near).sum(1)/near.sum(1)).cpu().numpy(), chamfer=chamfer)


def queries(shapes: list[Shape], spec: QuerySpec, seed: int, field: str = "udf") -> tuple[Tensor, Tensor]:
    "Queries (n, q, 3) and the field's values (n, q)."
    return tuple(map(torch.from_numpy, map(np.stack, zip(*(make_queries(s, field, spec, seed) for s in shapes)))))


def differences(found: dict[str, dict], out: dict[str, dict]) -> dict[str, float]:
    "How errors, distances and seconds of each differ from those of the first."
    base, *others = found
    marks, rows = {"ours": "", SHORT: "bf16_", "fewer steps": "fewer_"}, {}
    for name in others:
        mark = marks[name]
        for key in ("error", "chamfer"):   # by shape, and how far chance alone could move the mean of that
            d = (found[name][key].mean(0) - found[base][key].mean(0))/found[base][key].mean()
            rows[f"{mark}{key}_difference"] = float(d.mean())
            rows[f"{mark}{key}_difference_se"] = float(d.std(ddof=1)/len(d)**.5)
        rows[f"{mark}chamfer_median_difference"] = out[name]["chamfer_median"]/out[base]["chamfer_median"] - 1
        rows[f"{mark}whole_fit_core_ratio"] = out[base]["whole_fit_core_s"]/out[name]["whole_fit_core_s"]
    return rows


def whole_fits(row: dict, task: Task, fits: dict[str, Callable], fit: FitSpec, seeds: int, seed: int) -> dict:
    "Seconds and quality of whole fits by each way and by fewer steps, and how these differ from the first way's."
    quick, kind = fewer_steps(row["setting"], row["width"])
    out, found = {name: dict(row.get(name, {})) for name in fits}, {}
    out["fewer steps"] = dict(rule=quick.rule, start=kind, steps=quick.steps, points=quick.points, lr=quick.lr,
                              decay=quick.decay)
    def quickly(task, fit, seed):
        start = initialisation(task.spec, task.field, kind, seed)
        return ours(replace(task, init=start), replace(quick, batch=fit.batch), seed)
    for name, work in (fits | {"fewer steps": quickly}).items():
        runs, spent = [], 0
        for run in range(seeds):  # one thread each: here the result counts, not the wall clock
            _, core, weights = seconds(1, work, task, fit, seed_for(seed, "bench", row["width"], run))
            runs.append(quality(task, weights))
            spent += core
        each = spent/len(task.x)/seeds
        found[name] = {key: np.stack([r[key] for r in runs]) for key in ("error", "chamfer")}  # (seeds, shapes)
        out[name] |= {key: float(v.mean()) for key, v in found[name].items()}
        out[name] |= dict(chamfer_median=float(np.median(found[name]["chamfer"])), whole_fit_core_s=each)
        print(f"whole fits at {row['width']} wide, {name}: {each:.2f} processor seconds each", flush=True)
    return out | differences(found, out)


@dataclass
class Options:
    "What the command line says."
    widths: list[int]
    fit: FitSpec
    seed: int
    threads: int
    turns: int
    timed: int
    seeds: int
    quality: bool
    field: str
    out: Path


@dataclass
class Report:
    "Rows, written whenever one is added."
    options: Options
    parts: list[str]                     # of the file's name
    results: list[dict] = field_of(default_factory=list)

    def __post_init__(self):
        threads = self.options.threads
        self.meta = dict(
            date=date.today().isoformat(), seed=self.options.seed, device=platform.processor() or platform.machine(),
            cores=os.cpu_count(), threads=threads, torch=torch.__version__, numpy=np.__version__,
            python=platform.python_version(), compiled=compiled_kernels() is not None,
            bf16_in_hardware=bool(compiled_kernels()) and bfloat16_in_hardware(),
            peak_gflops={t: peak(t)[0]/1e9 for t in (1, threads)})
        print(json.dumps(self.meta))

    def add(self, row: dict):
        "Print a row and write the file."
        self.results.append(row)
        print(json.dumps(row), flush=True)
        self.options.out.mkdir(exist_ok=True)
        # the speed of what is emulated says nothing
        mark = "-emulated" if fast_bfloat16() and not self.meta["bf16_in_hardware"] else ""
        content = dict(meta=self.meta, laptop_queries=asdict(LAPTOP), paper_queries=asdict(PAPER), results=self.results)
        path = self.options.out/f"bench-fit-{'-'.join(self.parts)}{mark}.json"
        path.write_text(json.dumps(content, indent=1) + "\n")


def described(setting: str, task: Task, fit: FitSpec) -> dict:
    "What a row begins with."
    return dict(setting=setting, width=task.spec.hidden, params=task.spec.num_params, queries=task.x.shape[1],
                points=fit.points, steps=fit.steps, lr=fit.lr, decay=fit.decay)


def laptop_row(o: Options, task: Task) -> dict:
    "Speed, and quality if wanted, of INRs as the laptop preset has them."
    row = described("laptop", task, o.fit)
    row |= speed(task, replace(o.fit, steps=o.timed), o.threads, o.turns, o.seed)
    for name in contenders(): row[name]["inrs_per_s"] = 1e3/(row[name]["ms_per_step"]*o.fit.steps)
    if o.quality: row |= whole_fits(row, task, contenders(), o.fit, o.seeds, o.seed)
    return row


def paper_task(o: Options, shapes: list[Shape]) -> Task:
    "The paper's INRs of some shapes."
    spec = SirenSpec()
    return Task(spec, shared_init(spec, o.seed), *queries(shapes, PAPER, o.seed, o.field), o.field, shapes,
                queries(shapes, UNSEEN, o.seed + 1, o.field))


def main(  # noqa: PLR0913 - the command line's options
    widths: Annotated[list[int], typer.Option(help="widths to time with laptop settings")] = (64, 128),
    steps: Annotated[int, typer.Option(help="steps of a whole fit")] = 300,
    points: Annotated[int, typer.Option(help="queries of each INR in a step")] = 1024,
    lr: float = 1e-3,
    batch: Annotated[int, typer.Option(help="INRs at once")] = 16,
    seed: int = 0,
    threads: Annotated[int, typer.Option(help="PyTorch threads for both")] = 2,
    turns: Annotated[int, typer.Option(help="how often each is timed")] = 3,
    timed: Annotated[int, typer.Option(help="steps in a turn")] = 20,
    seeds: Annotated[int, typer.Option(help="whole fits of each shape")] = 2,
    quality: Annotated[bool, typer.Option(help="whole fits, compared by what they reach")] = True,
    probe: Annotated[bool, typer.Option(help="the paper's 512-wide INRs, one step")] = True,
    probe_batch: Annotated[int, typer.Option(help="INRs at once there")] = 2,
    paper_fits: Annotated[int, typer.Option(help="whole fits of so many of the paper's INRs, and by fewer steps")] = 0,
    laptop: Annotated[bool, typer.Option(help="the widths with laptop settings")] = True,
    field: Annotated[str, typer.Option(help="or sdf, with --paper-fits alone")] = "udf",
    out: Path = Path("results"),
):
    "Time the engine and the plain loop, and compare what they reach."
    one_of(field, ("udf", "sdf"), "field")
    widths = list(widths) if laptop else []
    if field == "sdf" and (widths or probe):
        raise typer.BadParameter("for sdf only --paper-fits, with --no-laptop --no-probe: the speed of a step is that "
                                 "of udf")
    fit = FitSpec(steps, points, lr, True, batch)
    o = Options(widths, fit, seed, threads, turns, timed, seeds, quality, field, out)
    named = {"512": probe, "whole": paper_fits, "sdf": field == "sdf"}
    report = Report(o, [*map(str, widths), *(name for name, there in named.items() if there)])
    shapes = make_families(-(-batch//16), seed=seed, start=100_000, progress=False)[:batch]
    data, unseen = queries(shapes, LAPTOP, seed), queries(shapes, UNSEEN, seed + 1)
    for width in widths:
        spec = SirenSpec(hidden=width)
        report.add(laptop_row(o, Task(spec, shared_init(spec, seed), *data, "udf", shapes, unseen)))
    if probe:
        task, fit = paper_task(o, shapes[:probe_batch]), FitSpec(1, 10_000, 1e-4, False, probe_batch)
        row = {k: v for k, v in described("paper", task, fit).items() if k != "steps"}
        report.add(row | speed(task, fit, threads, 2, seed))
    if paper_fits:
        task, fit = paper_task(o, shapes[::max(1, len(shapes)//paper_fits)][:paper_fits]), FitSpec(batch=paper_fits)
        row = described("paper", task, fit) | dict(inrs=len(task.x), load=os.getloadavg()[0])
        row |= whole_fits(row, task, {"reference": reference}, fit, 1, seed)
        report.add(row | dict(setting="paper, whole fits" + (", sdf" if field == "sdf" else "")))


if __name__ == "__main__": typer.run(main)
