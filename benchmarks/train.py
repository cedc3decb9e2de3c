"""Training encoder and decoder: `inr2vec.embedding.training` compared with a plain loop after the paper, in one run.

The plain loop is what Section 3 and the released code describe and what one writes first: a file of each INR with its
weights and its queries, read whenever the INR is in a batch; a random choice of its queries; the embedding repeated for
every query, put before the encoded coordinate, and multiplied in full by the two wide layers; everything in eager
float32, `torch.optim.AdamW` as it comes. It trains the same networks on the same INRs and the same number of queries;
where the preset moves INRs, it moves them by the same motions and evaluates the moved INR at every step.

Settings: `probing`, the laptop preset with the probing encoder; `paper encoder`, with the paper's and without motions;
`paper size`, a step with all of the paper's widths and 10,000 queries of each INR.

Before the times, both are given the very same queries for some steps, and the largest difference of their losses is
noted (`loss_difference`, relative). Times are of short stretches in turn. `core_ratio`, the one to quote, compares
processor time with one thread each; `ratio` compares wall clocks with `--threads` threads, and other load on the
machine (`load`) disturbs it. What is computed once before the steps (`prepare_core_s`) counts: samples per second are
those of the preset's whole training, its steps and the preparation of all its INRs. A sample is an INR in a step.

The table has one factor at a time: what the plain loop gains from it alone, and what is lost where everything else is
done and it is not.

    python benchmarks/train.py                            # all; a few minutes on an idle core
    python benchmarks/train.py --settings probing --no-factors
"""
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated
from unittest.mock import patch

import torch
import torch.nn.functional as F
import typer
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from inr2vec.core.seeds import torch_rng
from inr2vec.core.stopwatch import Stopwatch
from inr2vec.data.families import make_families
from inr2vec.embedding.decoder import ImplicitDecoder, positional_encoding
from inr2vec.embedding.presets import Preset, get_preset, make_decoder, make_encoder
from inr2vec.embedding.training import Questions, Runtime, Views, ask, batch_of, contrastive_loss, train
from inr2vec.inrs.siren import shared_init
from inr2vec.inrs.targets import field_loss
from inr2vec.report.results import Result, comparison_table
from inr2vec.report.storage import save_result

FIELD, CLASSES = "udf", 16
STILL = {f"train.{k}": 0. for k in ("degrees", "stretch", "shift", "contrast")}
SETTINGS = {
    "probing": ("laptop", {"encoder.kind": "probing"}),
    "paper encoder": ("laptop", {"encoder.kind": "paper", **STILL}),
    "paper size": ("paper", {"train.batch": 2}),
}
FACTORS = dict(
    memory="queries and INRs in memory",
    split="embedding's share once per INR",
    views="what training does not change, computed once",
    fused="fused AdamW",
    slices="a slice of shuffled queries, not a draw",
)
OPTIONS = dict(compiled="compiled decoder", bfloat16="products in bfloat16")


@dataclass
class Changes:
    "Which parts of the plain loop are replaced by ours; the names are those of `FACTORS` and `OPTIONS`."
    memory: bool = False
    split: bool = False
    views: bool = False
    fused: bool = False
    slices: bool = False
    compiled: bool = False
    bfloat16: bool = False


@dataclass
class Data:
    "What is trained on."
    weights: Tensor         # (n, num_params)
    questions: Questions
    folder: Path            # where each INR and its questions are a file
    seed: int

    @staticmethod
    def make(p: Preset, n: int, folder: Path, seed: int) -> "Data":
        "`n` INRs and questions. How long a step takes does not depend on shapes: INRs are the start with some noise."
        made = make_families(-(-n//CLASSES), seed=seed, progress=False)[:n]
        q, start = ask(made, FIELD, p.questions, seed, progress=False), shared_init(p.siren, seed)
        weights = start + .01*torch.randn(n, p.siren.num_params, generator=torch_rng(seed, "bench"))*start.abs()
        for i in range(n): save_file(dict(weights=weights[i], x=q.x[i], label=q.label[i]), folder/f"{i}.safetensors")
        return Data(weights, q, folder, seed)

    def to(self, device: str) -> "Data":
        "The same on a device."
        return replace(self, weights=self.weights.to(device), questions=self.questions.to(device))


class PlainDecoder(ImplicitDecoder):
    "The same network and parameters, as the paper draws it."

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        "Logits (b, n) at coordinates (b, n, 3) for embeddings (b, embed_dim)."
        c = torch.cat([z.unsqueeze(1).expand(-1, x.shape[1], -1), positional_encoding(x, self.octaves)], -1)
        h = self.before_skip(F.relu(F.linear(c, self.in_layer.weight, self.in_layer.bias)))
        h = h + F.relu(F.linear(c, self.skip_proj.weight, self.skip_proj.bias))
        return self.out(self.after_skip(h)).squeeze(-1)


def networks(p: Preset, data: Data) -> tuple[nn.Module, ImplicitDecoder]:
    "Encoder and decoder, prepared for the INRs."
    torch.manual_seed(data.seed)
    encoder, decoder = make_encoder(p, FIELD).to(data.weights.device), make_decoder(p).to(data.weights.device)
    if hasattr(encoder, "prepare"): encoder.prepare(data.weights, data.seed)
    return encoder, decoder


class PlainLoop:
    "The plain loop, some of its parts replaced."

    def __init__(self, p: Preset, data: Data, changes: Changes):
        self.p, self.data, self.changes, self.n = p, data, changes, len(data.weights)
        self.encoder, self.decoder = networks(p, data)
        if not changes.split: self.decoder.__class__ = PlainDecoder
        self.encoder.train()
        self.decoder.train()
        start = time.process_time()
        self.seen = Views(self.encoder, data.weights, p.train, data.seed)
        if not changes.views: self.seen.fixed = None         # the same motions, all of them computed at every step
        self.prepare = time.process_time() - start if changes.views else 0.
        if changes.compiled: self.decoder.compile()
        spec = p.train
        params = [*(q for q in self.encoder.parameters() if q.requires_grad), *self.decoder.parameters()]
        how = dict(fused=True) if changes.fused else {}
        self.opt = torch.optim.AdamW(params, spec.lr, weight_decay=spec.weight_decay, **how)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.opt, spec.lr, total_steps=spec.steps(self.n) + 1)

    def batch(self, i: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        "Queries (b, n, 3) and labels (b, n) of the INRs `i`, by a draw or a slice."
        q, device = self.data.questions, self.data.weights.device
        size = min(self.p.train.points, q.x.shape[1])
        o = int(torch.randint(q.x.shape[1] - size + 1, (), generator=rng))
        if self.changes.memory: x, label = q.x[i], q.label[i]
        else:
            files = [load_file(self.data.folder/f"{k}.safetensors") for k in i.tolist()]
            weights, x, label = (torch.stack([f[key] for f in files]).to(device) for key in ("weights", "x", "label"))
            self.seen.weights[i] = weights
        if self.changes.slices: return x[:, o:o + size], label[:, o:o + size]
        drawn = torch.multinomial(torch.ones(label.shape, device=device), size)
        return x.gather(1, drawn.unsqueeze(-1).expand(-1, -1, 3)), label.gather(1, drawn)

    def step(self, step: int) -> float:
        "One step; returns the loss."
        spec, seed, device = self.p.train, self.data.seed, self.data.weights.device
        rng, i = torch_rng(seed, "step", step), batch_of(step, self.n, spec.batch, seed).to(device)
        x, label = self.batch(i, rng)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.changes.bfloat16):
            z, at = self.seen(i, x, rng, 2 if spec.contrast else 1)
            answer = self.decoder(z[0], at).float()
            total = loss = field_loss(FIELD, answer, label).mean()
            if spec.contrast: total = loss + spec.contrast*contrastive_loss(*z.float(), spec.temperature)
        self.opt.zero_grad()
        total.backward()
        self.opt.step()
        self.schedule.step()
        return loss.item()


def plain(p: Preset, data: Data, steps: int, changes: Changes | None = None) -> tuple[dict, list[float]]:
    "Seconds and losses of the plain loop, the first step left out of the seconds."
    loop = PlainLoop(p, data, changes or Changes())
    losses = [loop.step(0)]
    wall, core = time.perf_counter(), time.process_time()
    losses += [loop.step(k) for k in range(1, 1 + steps)]
    return dict(wall=time.perf_counter() - wall, core=time.process_time() - core, prepare=loop.prepare,
                prepare_wall=loop.prepare), losses


def ours(p: Preset, data: Data, steps: int, compiled: bool = False) -> tuple[dict, list[float]]:
    """`inr2vec.embedding.training.train` as it is; a clock is read whenever it asks for the next batch.

    What compiling takes falls into the first step, which is not counted."""
    encoder, decoder = networks(p, data)
    if compiled:
        decoder.compile()
        (getattr(encoder, "mlp", None) or encoder).compile()
    stamps = []
    def clock(): return time.perf_counter(), time.process_time()
    def stamped(*args):
        stamps.append(clock())
        return batch_of(*args)
    start, spec = clock(), replace(p.train, max_steps=1 + steps)
    with patch("inr2vec.embedding.training.batch_of", stamped):
        runtime = Runtime(str(data.weights.device), progress=False)
        losses = train(encoder, decoder, data.weights, data.questions, FIELD, spec, data.seed, runtime).loss
    end = clock()
    return dict(wall=end[0] - stamps[1][0], core=end[1] - stamps[1][1], prepare=stamps[0][1] - start[1],
                prepare_wall=stamps[0][0] - start[0]), losses


def agreement(p: Preset, data: Data, steps: int) -> float:
    "The largest relative difference between the losses of the plain loop and ours, over steps with the same queries."
    p = replace(p, train=replace(p.train, max_steps=steps))   # so that the learning rates are the same
    pairs = zip(ours(p, data, steps - 1)[1], plain(p, data, steps - 1, Changes(slices=True))[1])
    return max(abs(a/b - 1) for a, b in pairs)


def seconds_with(threads: int, work: Callable, *args, **options) -> dict:
    "What `work` measures of itself with so many threads."
    torch.set_num_threads(threads)
    return work(*args, **options)[0]


def compare(p: Preset, data: Data, steps: int, turns: int, threads: int, compiled: bool = False) -> dict:
    "Both in turn: milliseconds per INR in a step, and samples per second of a whole training."
    n, rows = len(data.weights), []
    for turn in range(turns):
        row = {}
        for name, work in list(dict(plain=plain, ours=partial(ours, compiled=compiled)).items())[::1 - turn % 2*2]:
            every, one = seconds_with(threads, work, p, data, steps), seconds_with(1, work, p, data, steps)
            row[name] = {k: every[k] for k in ("wall", "prepare_wall")} | {k: one[k] for k in ("core", "prepare")}
        rows.append(row)
    def median(name, key): return statistics.median(r[name][key] for r in rows)
    batch, whole = min(p.train.batch, n), CLASSES*p.per_class[0]
    out, total = {}, p.train.steps(whole)
    for name in ("plain", "ours"):
        prepare = {k: median(name, key)*whole/n for k, key in (("wall", "prepare_wall"), ("core", "prepare"))}
        rate = {k: total*batch/(total*median(name, k)/steps + prepare[k]) for k in ("wall", "core")}
        out[name] = dict(ms=median(name, "wall")/steps/batch*1e3, core_ms=median(name, "core")/steps/batch*1e3,
                         prepare_s=prepare["wall"], prepare_core_s=prepare["core"], samples_per_s=rate["wall"],
                         core_samples_per_s=rate["core"])
    def ratio(key): return out["ours"][key]/out["plain"][key]
    return out | dict(ratio=ratio("samples_per_s"), core_ratio=ratio("core_samples_per_s"), steps_of_whole=total,
                      inrs_of_whole=whole, steps_timed=steps, turns=turns)


def factors(p: Preset, data: Data, steps: int, options: bool, plain_ms: float) -> dict:
    """For each factor: how much faster the plain loop gets by it alone, and how much slower without it.

    The second is of the loop with all other factors; core milliseconds of the steps, preparation left out."""
    batch = min(p.train.batch, len(data.weights))
    def ms(**flags): return seconds_with(1, plain, p, data, steps, changes=Changes(**flags))["core"]/steps/batch*1e3
    everything = dict.fromkeys(FACTORS, True)
    full, out = ms(**everything), {}
    for name, about in FACTORS.items():
        alone, without = ms(**{name: True}), ms(**everything | {name: False})
        out[about] = dict(alone=plain_ms/alone, without=without/full, alone_core_ms=alone, without_core_ms=without)
    out["all of them"] = dict(alone=plain_ms/full, alone_core_ms=full)
    for name, about in OPTIONS.items() if options else ():
        got = ms(**everything, **{name: True})
        out[f"all, and {about}"] = dict(alone=plain_ms/got, alone_core_ms=got)
    return out


@dataclass
class Amount:
    "How much is measured."
    shapes: int
    steps: int
    turns: int
    threads: int
    seed: int
    factors: bool
    options: bool


def measured(setting: str, a: Amount) -> dict:
    "Everything about one setting."
    name, overrides = SETTINGS[setting]
    p, large = get_preset(name, **overrides), setting == "paper size"
    n, steps, turns = (4, 1, 2) if large else (a.shapes, a.steps, a.turns)
    with tempfile.TemporaryDirectory() as tmp:
        data = Data.make(p, n, Path(tmp), a.seed)
        m = dict(preset=name, overrides={k: str(v) for k, v in overrides.items()}, params=p.siren.num_params,
                 batch=p.train.batch, queries=p.train.points, queries_kept=data.questions.x.shape[1],
                 load=os.getloadavg()[0])
        torch.set_num_threads(1)
        m["loss_difference"] = agreement(p, data, steps=2 if large else 8)
        assert m["loss_difference"] < 1e-3, m["loss_difference"]
        m |= compare(p, data, steps, turns, a.threads)
        if a.factors: m["factors"] = factors(p, data, steps, a.options, m["plain"]["core_ms"])
    rates = " -> ".join(f"{m[who]['core_samples_per_s']:.1f}" for who in ("plain", "ours"))
    print(f"\n{setting}: losses differ by {m['loss_difference']:.0e}, {rates} samples a core second, "
          f"ratio {m['core_ratio']:.1f} (wall clock {m['ratio']:.1f})", flush=True)
    if a.factors: print(comparison_table([dict(factor=f, **v) for f, v in m["factors"].items()], digits=2), flush=True)
    return m


def main(  # noqa: PLR0913 - the command line's options
    settings: Annotated[list[str], typer.Option(help="which")] = tuple(SETTINGS),
    shapes: Annotated[int, typer.Option(help="INRs; of the paper's size only 4")] = 64,
    steps: Annotated[int, typer.Option(help="steps in a turn; of the paper's size one")] = 3,
    turns: int = 3,
    threads: Annotated[int, typer.Option(help="PyTorch threads for both")] = 2,
    seed: int = 0,
    factors: Annotated[bool, typer.Option(help="one factor at a time")] = True,
    options: Annotated[bool, typer.Option(help="also a compiled decoder, and bfloat16, which is slow on processors "
                                               "without it")] = False,
    out: Path = Path("results"),
):
    "Time the plain loop and ours in each setting."
    metrics, watch = {}, Stopwatch()
    for setting in settings:
        with watch(setting): metrics[setting] = measured(setting, Amount(shapes, steps, turns, threads, seed, factors,
                                                                         options))
        torch.set_num_threads(threads)  # what `environment` records
        name = "-".join(sorted({SETTINGS[s][0] for s in metrics}))
        parameters = dict(threads=threads, seed=seed, shapes=shapes)
        save_result(Result("bench-train", name, "families", seed, metrics, parameters, watch.seconds), out)


if __name__ == "__main__": typer.run(main)
