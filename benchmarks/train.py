"""Training encoder and decoder: `inr2vec.embedding.training` and a plain loop after the paper, side by side in one run.

The plain loop is what Section 3.2 and the released code describe and what one writes first: a file of each INR with its weights and its queries, read whenever the INR is in a batch; a random choice of its queries;
the embedding repeated for every query, put before the encoded coordinate, and multiplied in full by the two wide layers; everything in eager float32, `torch.optim.AdamW` as it comes. It trains the same networks on the
same INRs and the same number of queries; where the preset moves INRs, it moves them by the same motions and asks the moved INR at every step.

Settings: `default`, the laptop preset as it is; `paper encoder`, the same with the paper's encoder and without motions; `paper size`, a step with all of the paper's widths and 10,000 queries of each INR.

Before the times, both are given the very same queries for some steps, and the largest difference of their losses is noted (`loss_difference`, relative). Times are of short stretches in turn. `core_ratio`, the one to quote,
compares processor time with one thread each; `ratio` compares wall clocks with `--threads` threads, and other load on the machine (`load`) disturbs it. What is computed once before the steps (`prepare_core_s`) counts: samples per second are
those of the preset's whole training, its steps and the preparation of all its INRs. A sample is an INR in a step.

The table has one factor at a time: what the plain loop gains from it alone, and what is lost where everything else is done and it is not.

    python benchmarks/train.py                            # all; a few minutes on an idle core
    python benchmarks/train.py --settings default --no-factors
"""
import os, statistics, tempfile, time
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
import torch.nn.functional as F
import typer
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from inr2vec.embedding.decoder import ImplicitDecoder, positional_encoding
from inr2vec.data.families import make_families
from inr2vec.inrs.targets import field_loss
from inr2vec.embedding.presets import Preset, get_preset, make_decoder, make_encoder
from inr2vec.report.results import Result, comparison_table, save_result
from inr2vec.core.stopwatch import Stopwatch
from inr2vec.core.seeds import torch_rng
from inr2vec.inrs.siren import shared_init
from inr2vec.embedding.training import Questions, Runtime, Views, ask, batch_of, contrastive_loss, train

FIELD, CLASSES = "udf", 16
STILL = {f"train.{k}": 0. for k in ("degrees", "stretch", "shift", "contrast")}
SETTINGS = {
    "default": ("laptop", {}),
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

class PlainDecoder(ImplicitDecoder):
    "The same network and parameters, as the paper draws it."
    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        c = torch.cat([z.unsqueeze(1).expand(-1, x.shape[1], -1), positional_encoding(x, self.octaves)], -1)
        h = self.before_skip(F.relu(F.linear(c, self.in_layer.weight, self.in_layer.bias))) + F.relu(
            F.linear(c, self.skip_proj.weight, self.skip_proj.bias)
        )
        return self.out(self.after_skip(h)).squeeze(-1)

def inrs_and_questions(p: Preset, n: int, folder: Path, seed: int) -> tuple[Tensor, Questions]:
    "`n` INRs with questions about as many shapes, also as a file each in `folder`. How long a step takes does not depend on what INRs are fitted to, so these are the start with some noise."
    made = make_families(-(-n//CLASSES), seed=seed, progress=False)[:n]
    q, start = ask(made, FIELD, p.questions, seed, progress=False), shared_init(p.siren, seed)
    weights = start + .01*torch.randn(n, p.siren.num_params, generator=torch_rng(seed, "bench"))*start.abs()
    for i in range(n): save_file(dict(weights=weights[i], x=q.x[i], label=q.label[i]), folder/f"{i}.safetensors")
    return weights, q

def networks(p: Preset, weights: Tensor, seed: int) -> tuple[nn.Module, ImplicitDecoder]:
    torch.manual_seed(seed)
    encoder, decoder = make_encoder(p, FIELD), make_decoder(p)
    encoder, decoder = encoder.to(weights.device), decoder.to(weights.device)
    if hasattr(encoder, "prepare"): encoder.prepare(weights, seed)
    return encoder, decoder

def loop(
    p: Preset,
    weights: Tensor,
    q: Questions,
    folder: Path,
    seed: int,
    steps: int,
    warm: int = 1,
    memory=False,
    split=False,
    views=False,
    fused=False,
    slices=False,
    compiled=False,
    bfloat16=False,
) -> tuple[dict, list[float]]:  # wall and processor seconds, losses
    "The plain loop; every name after `warm` is a factor or an option, which replaces one of its parts by ours."
    spec, n, device = p.train, len(weights), weights.device
    encoder, decoder = networks(p, weights, seed)
    if not split: decoder.__class__ = PlainDecoder
    encoder.train(), decoder.train()
    start = time.process_time()
    seen = Views(encoder, weights, spec, seed)
    if not views: seen.fixed = None         # the same motions, but everything of them computed at every step
    prepare = time.process_time() - start if views else 0.
    if compiled: decoder.compile()
    opt = torch.optim.AdamW(
        [*(p for p in encoder.parameters() if p.requires_grad), *decoder.parameters()],
        spec.lr,
        weight_decay=spec.weight_decay,
        **(dict(fused=True) if fused else {}),
    )
    schedule, size, losses = (
        torch.optim.lr_scheduler.OneCycleLR(opt, spec.lr, total_steps=p.train.steps(n) + 1),
        min(spec.points, q.x.shape[1]),
        [],
    )
    for step in range(warm + steps):
        if step == warm: wall, core = time.perf_counter(), time.process_time()
        rng, i = torch_rng(seed, "step", step), batch_of(step, n, spec.batch, seed).to(device)
        o = int(torch.randint(q.x.shape[1] - size + 1, (), generator=rng))
        if memory: x, label = q.x[i], q.label[i]
        else:
            files = [load_file(folder/f"{k}.safetensors") for k in i.tolist()]
            seen.weights[i], x, label = (
                torch.stack([f[key] for f in files]).to(device) for key in ("weights", "x", "label")
            )
        if slices: x, label = x[:, o:o + size], label[:, o:o + size]
        else:
            drawn = torch.multinomial(torch.ones(label.shape, device=device), size)
            x, label = x.gather(1, drawn.unsqueeze(-1).expand(-1, -1, 3)), label.gather(1, drawn)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
            z, at = seen(i, x, rng, 2 if spec.contrast else 1)
            answer = decoder(z[0], at).float()
            loss = field_loss(FIELD, answer, label).mean()
            total = loss + spec.contrast*contrastive_loss(*z.float(), spec.temperature) if spec.contrast else loss
        opt.zero_grad()
        total.backward()
        opt.step(), schedule.step()
        losses.append(loss.item())
    return dict(
        wall=time.perf_counter() - wall, core=time.process_time() - core, prepare=prepare, prepare_wall=prepare
    ), losses

def ours(
    p: Preset, weights: Tensor, q: Questions, folder: Path, seed: int, steps: int, warm: int = 1, compiled=False
) -> tuple[dict, list[float]]:
    "`inr2vec.embedding.training.train` as it is; a clock is read whenever it asks for the next batch. What compiling takes falls into the first step, which is not counted."
    encoder, decoder = networks(p, weights, seed)
    if compiled: decoder.compile(), (getattr(encoder, "mlp", None) or encoder).compile()
    clock, stamps = lambda: (time.perf_counter(), time.process_time()), []

    def stamped(*args):
        stamps.append(clock())
        return batch_of(*args)
    start = clock()
    with patch("inr2vec.embedding.training.batch_of", stamped):
        losses = train(
            encoder,
            decoder,
            weights,
            q,
            FIELD,
            replace(p.train, max_steps=warm + steps),
            seed,
            Runtime(str(weights.device), progress=False),
        ).loss
    end = clock()
    return dict(
        wall=end[0] - stamps[warm][0],
        core=end[1] - stamps[warm][1],
        prepare=stamps[0][1] - start[1],
        prepare_wall=stamps[0][0] - start[0],
    ), losses

def agreement(p: Preset, *data, steps: int) -> float:
    "The largest relative difference between the losses of the plain loop and of `train` over `steps` steps with the same queries."
    p = replace(p, train=replace(p.train, max_steps=steps))   # so that the learning rates are the same
    plain, got = (f(p, *data, steps - 1, **options)[1] for f, options in ((loop, dict(slices=True)), (ours, {})))
    return max(abs(a/b - 1) for a, b in zip(got, plain))

def on(threads: int, f, *args, **options) -> dict:
    torch.set_num_threads(threads)
    return f(*args, **options)[0]

def compare(p: Preset, data: tuple, steps: int, turns: int, threads: int, **options) -> dict:  # `options` of `ours`
    "Both in turn: milliseconds per INR in a step, and samples per second of a whole training."
    n, rows = len(data[0]), []
    for turn in range(turns):
        row = {}
        for name, f in list(dict(plain=loop, ours=partial(ours, **options)).items())[::1 - turn % 2*2]:
            all_, one = on(threads, f, p, *data, steps), on(1, f, p, *data, steps)
            row[name, "wall"], row[name, "prepare_wall"], row[name, "core"], row[name, "prepare"] = (
                all_["wall"],
                all_["prepare_wall"],
                one["core"],
                one["prepare"],
            )
        rows.append(row)
    median, batch, whole = (
        lambda *k: statistics.median(r[k] for r in rows),
        min(p.train.batch, n),
        CLASSES * p.per_class[0],
    )
    out, total = {}, p.train.steps(whole)
    for name in ("plain", "ours"):
        prepare = {k: median(name, p)*whole/n for k, p in (("wall", "prepare_wall"), ("core", "prepare"))}
        rate = {k: total*batch/(total*median(name, k)/steps + prepare[k]) for k in ("wall", "core")}
        out[name] = dict(
            ms=median(name, "wall") / steps / batch * 1e3,
            core_ms=median(name, "core") / steps / batch * 1e3,
            prepare_s=prepare["wall"],
            prepare_core_s=prepare["core"],
            samples_per_s=rate["wall"],
            core_samples_per_s=rate["core"],
        )
    return out | dict(
        ratio=out["ours"]["samples_per_s"] / out["plain"]["samples_per_s"],
        core_ratio=out["ours"]["core_samples_per_s"] / out["plain"]["core_samples_per_s"],
        steps_of_whole=total,
        inrs_of_whole=whole,
        steps_timed=steps,
        turns=turns,
    )

def factors(p: Preset, data: tuple, steps: int, options: bool, plain_ms: float) -> dict:
    "For each factor: how much faster the plain loop gets by it alone, and how much slower the loop with all of them without it; core milliseconds of the steps, preparation left out."
    batch, ms = (
        min(p.train.batch, len(data[0])),
        lambda **flags: on(1, loop, p, *data, steps, **flags)["core"] / steps / batch * 1e3,
    )
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

def main(
    settings: list[str] = typer.Option(list(SETTINGS), help="which"),
    shapes: int = typer.Option(64, help="INRs; of the paper's size only 4"),
    steps: int = typer.Option(3, help="steps in a turn; of the paper's size one"),
    turns: int = 3,
    threads: int = typer.Option(2, help="PyTorch threads for both"),
    seed: int = 0,
    factors_too: bool = typer.Option(True, "--factors/--no-factors", help="one factor at a time"),
    options: bool = typer.Option(
        False, help="also a compiled decoder, and bfloat16, which is slow on processors without it"
    ),
    out: Path = Path("results"),
):
    metrics, watch = {}, Stopwatch()
    for setting in settings:
        name, overrides = SETTINGS[setting]
        p, large = get_preset(name, **overrides), setting == "paper size"
        n, k = (4, 1) if large else (shapes, steps)
        with watch(setting), tempfile.TemporaryDirectory() as tmp:
            weights, q = inrs_and_questions(p, n, Path(tmp), seed)
            data = weights, q, Path(tmp), seed
            m = dict(
                preset=name,
                overrides={k: str(v) for k, v in overrides.items()},
                params=p.siren.num_params,
                batch=p.train.batch,
                queries=p.train.points,
                queries_kept=q.x.shape[1],
                load=os.getloadavg()[0],
            )
            torch.set_num_threads(1)
            m["loss_difference"] = agreement(p, *data, steps=2 if large else 8)
            assert m["loss_difference"] < 1e-3, m["loss_difference"]
            m |= compare(p, data, k, 2 if large else turns, threads)
            if factors_too: m["factors"] = factors(p, data, k, options, m["plain"]["core_ms"])
        metrics[setting] = m
        print(
            f"\n{setting}: losses differ by {m['loss_difference']:.0e}, {m['plain']['core_samples_per_s']:.1f} -> {m['ours']['core_samples_per_s']:.1f} samples a core second, ratio {m['core_ratio']:.1f} (wall clock {m['ratio']:.1f})",
            flush=True,
        )
        if factors_too:
            print(comparison_table([dict(factor=f, **v) for f, v in m["factors"].items()], digits=2), flush=True)
        torch.set_num_threads(threads)  # what `environment` records
        save_result(
            Result(
                "bench-train",
                "-".join(sorted({SETTINGS[s][0] for s in metrics})),
                "families",
                seed,
                metrics,
                dict(threads=threads, seed=seed, shapes=shapes),
                watch.seconds,
            ),
            out,
        )

if __name__ == "__main__": typer.run(main)
