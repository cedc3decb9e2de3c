"""Making queries beside fitting: whichever takes longer decides how long a data set takes.

A udf asks for the nearest of a cloud's points, an sdf for the nearest of a mesh's faces and the side. Both are asked 500,000 times, as the paper does (Appendix A),
and then as often as the laptop preset does. Next to that stand the seconds that fitting the same shape takes: the laptop preset's whole fit, and for the paper's
512 x 4 an estimate, the seconds of a few steps times 500. `share` is queries' seconds by fitting's; processor seconds say the same where other load disturbs the clock.

    python benchmarks/queries.py
"""
import os, statistics, time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch
import typer

from inr2vec.viz.rendering import decimated
from inr2vec.data.families import make_shape
from inr2vec.inrs.fitting import fit_batch
from inr2vec.embedding.presets import get_preset
from inr2vec.inrs.queries import QuerySpec, make_queries
from inr2vec.report.results import Result, save_result
from inr2vec.data.shapes import Shape, is_watertight, with_points
from inr2vec.inrs.siren import shared_init

HALF_A_MILLION = QuerySpec(surface=0)       # the paper's, less the points on the surface itself

def timed(work: Callable) -> tuple[float, float]:  # by the wall clock, and of all cores
    wall, core = time.perf_counter(), time.process_time()
    work()
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

def main(family: str = "chair", faces: int = 10_000, points: int = 2048, seed: int = 0,
         turns: int = typer.Option(5, help="how often queries are made; the median counts"),
         steps: int = typer.Option(3, help="steps of the paper's fit that the estimate rests on"),
         threads: int = typer.Option(1, help="of fitting; queries take all cores that there are"),
         out: Path = Path("results")):
    torch.set_num_threads(threads)
    mesh = mesh_of(family, 0, faces)
    cloud = Shape(mesh.name, points=with_points(mesh, points, seed).points)
    metrics, paper, laptop = dict(load=os.getloadavg()[0]), get_preset("paper"), get_preset("laptop")
    for field, shape in (("udf", cloud), ("sdf", mesh)):
        row = metrics[field] = {
            "points" if field == "udf" else "faces": len(shape.points if field == "udf" else shape.faces)
        }
        make_queries(shape, field, replace(HALF_A_MILLION, close=1000, medium=0), seed)     # loads libraries
        for name, preset, queries in (("paper", paper, HALF_A_MILLION), ("laptop", laptop, laptop.queries)):
            times = [timed(lambda: make_queries(shape, field, queries, seed)) for _ in range(turns)]
            wall, core = map(statistics.median, zip(*times))
            x, v = (torch.from_numpy(a)[None] for a in make_queries(shape, field, queries, seed))
            fit = replace(preset.fit, steps=steps) if name == "paper" else preset.fit
            def run(f):
                return timed(
                            lambda: fit_batch(preset.siren, shared_init(preset.siren, seed), x, v, field, f, seed)
                        )
            run(replace(fit, steps=1))  # compiles the kernels, touches the memory
            a, b = (
                run(replace(fit, steps=1)),
                run(replace(fit, steps=fit.steps + 1)),
            )  # the difference is free of what happens once
            scale = preset.fit.steps/fit.steps
            fit_wall, fit_core = ((late - early)*scale for early, late in zip(a, b))
            row[name] = dict(
                queries=queries.total,
                queries_s=wall,
                queries_core_s=core,
                queries_per_s=queries.total / wall,
                fit_s=fit_wall,
                fit_core_s=fit_core,
                fit_is="measured" if scale == 1 else f"{fit.steps} of {preset.fit.steps} steps, measured",
                share=wall / fit_wall,
                core_share=core / fit_core,
            )
            print(
                f"{field} {name:7} {queries.total:>7,} queries {wall:6.2f} s ({core:.2f} of cores)   fit {fit_wall:7.2f} s ({fit_core:.2f})   share {wall / fit_wall:.3f} ({core / fit_core:.3f})",
                flush=True,
            )
    parameters = dict(
        family=family,
        faces=faces,
        points=points,
        turns=turns,
        steps=steps,
        threads=threads,
        queries=asdict(HALF_A_MILLION),
    )
    print(save_result(Result("bench-queries", "paper", "families", seed, metrics, parameters), out).name)

if __name__ == "__main__": typer.run(main)
