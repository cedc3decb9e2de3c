"""Try the widgets as a reader does: `make browser`, or python tests/browser.py [FOLDER for pictures].

Starts a JupyterLab of its own on this machine, opens a notebook with the four explorers of inr2vec.widgets in a headless Chromium, runs it, moves a control of each, clicks a point of the
map, and asks that the figures change. Needs the extra `browser` and a Chromium (found in PATH, named by CHROMIUM, or playwright's own)."""
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent
CELLS = [
    """import numpy as np, torch
from inr2vec.data.families import make_families
from inr2vec.inrs.fitting import FitSpec
from inr2vec.inrs.siren import SirenSpec
from inr2vec.widgets import FittingMonitor, InterpolationExplorer, MapExplorer, RetrievalExplorer
shapes = make_families(4, ["chair", "mug", "lamp"], n_points=400, progress=False)
z = np.repeat(np.eye(3), 4, 0) + np.random.default_rng(0).normal(size=(12, 3))*.25
ball = torch.nn.functional.normalize(torch.randn(300, 3), dim=1).numpy()""",
    "RetrievalExplorer(shapes, z)",
    "InterpolationExplorer(lambda e: ball*e.numpy(), [[1, 1, .2], [.2, .2, 1]], ['plate', 'rod'])",
    "MapExplorer(shapes, z)",
    "FittingMonitor(shapes[4], siren=SirenSpec(hidden=16), fit=FitSpec(steps=20, points=1024, lr=1e-3), resolution=24)",
]
# what a reader sees of each cell's figures: the coordinates of all traces, and the titles
FIGURES = """([...document.querySelectorAll('.jp-CodeCell')].map(c => [...c.querySelectorAll('.js-plotly-plot')].map(p => JSON.stringify([
    (p._fullData || []).map(t => [t.type, Array.from(t.x || []).slice(0, 40), Array.from(t.z || t.y || []).slice(0, 40)]), (p.layout.annotations || []).map(a => a.text)])).join()))"""

# of one cell: how far the middle of each frame is from the middle of the scene that it belongs to
FRAMES = """cell => { const p = document.querySelectorAll('.jp-CodeCell')[cell].querySelector('.js-plotly-plot'), scenes = Object.keys(p._fullLayout).filter(k => /^scene[0-9]*$/.test(k)).sort((a, b) => (+a.slice(5) || 1) - (+b.slice(5) || 1)).slice(1);
    return p.layout.shapes.map((s, i) => Math.abs((s.x0 + s.x1)/2 - (p._fullLayout[scenes[i]].domain.x[0] + p._fullLayout[scenes[i]].domain.x[1])/2)) }"""


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def jupyterlab(folder: Path):
    "The address of a JupyterLab in `folder`, for as long as the block lasts."
    port, token = free_port(), secrets.token_hex(16)
    env = os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "JUPYTER_CONFIG_DIR": str(folder / ".config"),
        "JUPYTER_RUNTIME_DIR": str(folder / ".runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / ".settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".workspaces"),
    }
    with open(folder/"log", "w", encoding="utf-8") as log:
        job = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyterlab",
                "--no-browser",
                "--allow-root",
                "--ip=127.0.0.1",
                f"--port={port}",
                f"--IdentityProvider.token={token}",
                "--ServerApp.port_retries=0",
                f"--ServerApp.root_dir={folder}",
                "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            ],
            stdout=log,
            stderr=log,
            env=env,
        )
        try:
            for _ in range(600):
                try:
                    urlopen(f"http://127.0.0.1:{port}/api/status?token={token}", timeout=2).close()
                    break
                except (URLError, OSError):
                    if job.poll() is not None:
                        raise RuntimeError(
                            f"JupyterLab ended with exit status {job.returncode}: {(folder / 'log').read_text()[-2000:]}"
                        ) from None
                    time.sleep(0.5)
            else: raise RuntimeError("JupyterLab did not answer within five minutes")
            yield f"http://127.0.0.1:{port}/lab/tree/widgets.ipynb?token={token}&reset"
        finally:
            job.terminate()
            try:
                job.wait(20)
            except subprocess.TimeoutExpired:
                job.kill()
                job.wait()


def until(page, done: Callable[[], bool], what: str, seconds: float = 120) -> None:
    "Wait until `done()`; raises with `what` if it takes too long."
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done(): return
        page.wait_for_timeout(250)
    raise AssertionError(f"in {seconds:.0f} s it did not happen that {what}")


def try_widgets(page, pictures: Path | None = None) -> list[str]:
    "Run the notebook, move and click; what was seen to work."
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=300_000)
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", timeout=300_000)
    def begun():
        return page.locator(".jp-InputPrompt").first.inner_text().strip() not in ("[ ]:", "")
    for _ in range(6):                                   # a kernel that has just started may not hear the first call
        page.wait_for_timeout(2_000)
        page.locator(".lm-MenuBar-item", has_text="Run").click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_timeout(2_000)
        if begun(): break
    def figures():
        return page.evaluate(FIGURES)
    try:
        until(
            page,
            lambda: len(f := figures()) == len(CELLS) and all(x and "[[]," not in x for x in f[1:]),
            "every explorer shows its figures",
            600,
        )
    except AssertionError:
        if page.get_by_text("VBox(children=", exact=False).count():
            raise AssertionError(
                "JupyterLab shows the widgets as text: it does not find the extension of ipywidgets (jupyterlab_widgets) in its own environment"
            ) from None
        raise
    seen = []

    def changes(cell: int, act: Callable, what: str):
        before = figures()
        act()
        until(page, lambda: figures()[cell] not in ("", before[cell]), f"{what} changes the figure of cell {cell}", 180)
        after = figures()
        assert all(a == b for i, (a, b) in enumerate(zip(before, after)) if i != cell), (
            f"{what} changed another cell's figure"
        )
        seen.append(what)

    def right(cell: int, slider: int):
        handle = page.locator(".jp-CodeCell").nth(cell).locator(".noUi-handle").nth(slider)
        handle.scroll_into_view_if_needed()
        handle.focus()
        handle.press("ArrowRight")

    for cell, slider, what in (
        (1, 0, "another shape asks for its neighbours"),
        (1, 1, "one neighbour more"),
        (2, 0, "a step on the way"),
        (3, 0, "another point of the map"),
        (4, 0, "ten steps more of the fit"),
    ):
        changes(cell, lambda: right(cell, slider), what)
        if (cell, slider) == (1, 1):
            assert len(off := page.evaluate(FRAMES, 1)) == 6 and max(off) < 0.01, (
                f"frames are not around their shapes: {off}"
            )
        if pictures: page.locator(".jp-CodeCell").nth(cell).screenshot(path=pictures/f"widget-{cell}-{slider}.png")

    def click_point():
        point = page.locator(".jp-CodeCell").nth(3).locator(".scatterlayer .trace").nth(2).locator(".point").nth(1)
        point.scroll_into_view_if_needed()
        box = point.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2 - 1, box["y"] + box["height"] / 2)
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(400)
        page.mouse.down()
        page.mouse.up()
    changes(3, click_point, "a click on a point of the map")
    assert "5: mug" in figures()[3], f"the second mug was clicked, and another shape is shown: {figures()[3][-80:]}"
    if pictures: page.locator(".jp-CodeCell").nth(3).screenshot(path=pictures/"widget-3-click.png")
    return seen


def chromium() -> str | None:
    "A Chromium to use; None for playwright's own."
    return os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


def main(pictures: Path | None = None) -> int:
    try:
        from playwright.sync_api import sync_playwright
        import anywidget, jupyterlab as _  # noqa: F401
    except ImportError as e:
        sys.exit(f"{e.name} is not installed: pip install -c constraints.txt -e '.[browser]'")
    nb = dict(
        nbformat=4,
        nbformat_minor=5,
        metadata=dict(kernelspec=dict(name="python3", display_name="Python 3", language="python")),
        cells=[
            dict(cell_type="code", id=f"c{i}", source=s, metadata={}, outputs=[], execution_count=None)
            for i, s in enumerate(CELLS)
        ],
    )
    if pictures: pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp, sync_playwright() as play:
        (Path(tmp)/"widgets.ipynb").write_text(json.dumps(nb), encoding="utf-8")
        browser = play.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--use-gl=swiftshader", "--enable-unsafe-swiftshader"]
        )
        with jupyterlab(Path(tmp)) as address:
            page = browser.new_page(viewport=dict(width=1400, height=1600))
            page.goto(address)
            try: seen, problem = try_widgets(page, pictures), None
            except Exception as e:
                seen, problem = [], e
                if pictures: page.screenshot(path=pictures/"failed.png")
        browser.close()
    for what in seen: print("   ", what)
    if problem: print(f"    FAILED {problem}")
    print(f"\n{len(seen)} passed, {int(problem is not None)} failed")
    return int(problem is not None)


if __name__ == "__main__": sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else None))
