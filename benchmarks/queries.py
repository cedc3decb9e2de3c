"""The time of making queries compared with that of fitting: the longer of the two decides how long a data set takes.

A udf needs the nearest of a cloud's points, an sdf the nearest of a mesh's faces and the side. Both are sampled at
500,000 places, as the paper does (Appendix F), and then as often as the laptop preset does. Next to that stand the
seconds that fitting the same shape takes: the laptop preset's whole fit, and for the paper's 512 x 4 an estimate, the
seconds of a few steps times 500. `share` is queries' seconds by fitting's; processor seconds say the same where other
load disturbs the clock.

    python benchmarks/queries.py
"""
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import torch
import typer

from inr2vec.data.families import make_shape
from inr2vec.data.shapes import Shape, is_watertight, with_points
from inr2vec.embedding.presets import BY_ADAM, Preset, get_preset
from inr2vec.inrs.fitting import FitSpec, fit_batch
from inr2vec.inrs.queries import QuerySpec, make_queries
from inr2vec.inrs.siren import shared_init
from inr2vec.report.results import Result
from inr2vec.report.storage import save_result
from inr2vec.viz.rendering import decimated

HALF_A_MILLION = QuerySpec(surface=0)       # the paper's, less the points on the surface itself


def timed(work: Callable, *args) -> tuple[float, float]:
    "Seconds by the wall clock, and of all cores."
    wall, core = time.perf_counter(), time.process_time()
    work(*args)
    return time.perf_counter() - wall, time.process_time() - core


def mesh_of(family: str, index: int, faces: int) -> Shape:
    "A watertight mesh of the family with `faces` faces: subdivided, then decimated."
    import trimesh
    shape = make_shape(family, index)
    vertices, triangles = shape.vertices, shape.faces
    while len(triangles) < faces: vertices, triangles = trimesh.remesh.subdivide(vertices, triangles)
    fine = decimated(Shape(shape.name, vertices=vertices, faces=triangles), faces)
    assert is_watertight(fine) and abs(len(fine.faces) - faces) < .02*faces, f"{len(fine.faces)} faces"
    return fine


def fitting_seconds(shape: Shape, field: str, preset: Preset, queries: QuerySpec, fit: FitSpec,
                    seed: int) -> list[float]:
    "Seconds of the preset's whole fit, by wall clock and of cores; an estimate where `fit` has fewer steps."
    x, v = (torch.from_numpy(a)[None] for a in make_queries(shape, field, queries, seed))
    def run(steps: int):
        init = shared_init(preset.siren, seed)
        return timed(fit_batch, preset.siren, init, x, v, field, replace(fit, steps=steps), seed)
    run(1)                          # compiles the kernels, touches the memory
    early, late = run(1), run(fit.steps + 1)      # the difference is free of what happens once
    return [(b - a)*preset.fit.steps/fit.steps for a, b in zip(early, late)]


def measured(shape: Shape, field: str, name: str, steps: int, turns: int, seed: int) -> dict:
    "Queries and fitting of a preset's INR."
    preset = get_preset(name, **BY_ADAM[name])
    queries = HALF_A_MILLION if name == "paper" else preset.queries
    times = [timed(make_queries, shape, field, queries, seed) for _ in range(turns)]
    wall, core = map(statistics.median, zip(*times))
    fit = replace(preset.fit, steps=steps) if name == "paper" else preset.fit
    fit_wall, fit_core = fitting_seconds(shape, field, preset, queries, fit, seed)
    whole = fit.steps == preset.fit.steps
    print(f"{field} {name:7} {queries.total:>7,} queries {wall:6.2f} s ({core:.2f} of cores)   fit {fit_wall:7.2f} s "
          f"({fit_core:.2f})   share {wall/fit_wall:.3f} ({core/fit_core:.3f})", flush=True)
    return dict(queries=queries.total, queries_s=wall, queries_core_s=core, queries_per_s=queries.total/wall,
                fit_s=fit_wall, fit_core_s=fit_core, share=wall/fit_wall, core_share=core/fit_core,
                fit_is="measured" if whole else f"{fit.steps} of {preset.fit.steps} steps, measured")


def main(
    family: str = "chair",
    faces: int = 10_000,
    points: int = 2048,
    seed: int = 0,
    turns: Annotated[int, typer.Option(help="how often queries are made; the median counts")] = 5,
    steps: Annotated[int, typer.Option(help="steps of the paper's fit that the estimate rests on")] = 3,
    threads: Annotated[int, typer.Option(help="of fitting; queries take all cores that there are")] = 1,
    out: Path = Path("results"),
):
    "Time queries and fits of a cloud and a mesh."
    torch.set_num_threads(threads)
    mesh = mesh_of(family, 0, faces)
    cloud = Shape(mesh.name, points=with_points(mesh, points, seed).points)
    metrics = dict(load=os.getloadavg()[0])
    cases = ("udf", cloud, dict(points=len(cloud.points))), ("sdf", mesh, dict(faces=len(mesh.faces)))
    for field, shape, size in cases:
        make_queries(shape, field, replace(HALF_A_MILLION, close=1000, medium=0), seed)     # loads libraries
        metrics[field] = size | {p: measured(shape, field, p, steps, turns, seed) for p in ("paper", "laptop")}
    parameters = dict(family=family, faces=faces, points=points, turns=turns, steps=steps, threads=threads,
                      queries=asdict(HALF_A_MILLION))
    print(save_result(Result("bench-queries", "paper", "families", seed, metrics, parameters), out).name)


if __name__ == "__main__": typer.run(main)
