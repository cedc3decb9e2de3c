"""Try the widgets as a reader does: `make browser`, or python tests/browser.py [FOLDER for pictures [NOTEBOOK ...]].

Opens the notebooks of nbs/widgets, as they are, in a JupyterLab of its own with the project's configuration and a
headless Chromium, runs them, moves every control, clicks a point of the map, and checks that the figures follow. Needs
the extra `browser` and a Chromium (found in PATH, named by CHROMIUM, or playwright's own)."""
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from lab import ROOT, jupyterlab, run_all_cells, until

WIDGETS = ROOT/"nbs"/"widgets"
# what a reader sees of a cell's figures: the coordinates of all traces, and the titles
FIGURES = """cell => [...cell.querySelectorAll('.js-plotly-plot')].map(p => JSON.stringify([
    (p._fullData || []).map(t => [t.type, ...[t.x, t.z || t.y].map(a => Array.from(a || []).slice(0, 40))]),
    (p.layout.annotations || []).map(a => a.text)])).join()"""
# how far the middle of each frame is from the middle of the scene that it belongs to
FRAMES = """cell => {
    const p = cell.querySelector('.js-plotly-plot'), number = k => +k.slice(5) || 1;
    const isScene = k => /^scene[0-9]*$/.test(k), inOrder = (a, b) => number(a) - number(b);
    const scenes = Object.keys(p._fullLayout).filter(isScene).sort(inOrder);
    const middle = scene => p._fullLayout[scene].domain.x.reduce((a, b) => a + b)/2;
    return p.layout.shapes.map((s, i) => Math.abs((s.x0 + s.x1)/2 - middle(scenes[i + 1]))) }"""

# the second point of the third class of a map: its name, and the class's
POINT = "cell => { const t = cell.querySelector('.js-plotly-plot')._fullData[2]; return [t.text[1], t.name] }"


class Cell:
    "A cell of the open notebook whose output is an explorer."

    def __init__(self, page, source: str, pictures: Path | None):
        self.page, self.name, self.pictures = page, source.partition("(")[0], pictures
        self.at = page.locator(".jp-CodeCell").filter(has=page.locator(".jp-OutputArea .widget-box")).filter(
            has_text=source)

    def figures(self) -> str:
        "What its figures show, as text."
        return self.at.first.evaluate(FIGURES) if self.at.count() else ""

    def is_shown(self) -> bool:
        "Whether its figures have something in them."
        figures = self.figures()
        return bool(figures) and "[[]," not in figures

    def changes(self, act: Callable[[], None], what: str, others: "list[Cell]") -> str:
        "Act, and wait until its figures, and no other cell's, are different."
        before, beside = self.figures(), [c.figures() for c in others]
        act()
        until(self.page, lambda: self.figures() not in ("", before), f"{what} changes the figure of {self.name}", 180)
        if beside != [c.figures() for c in others]: raise AssertionError(f"{what} changed another cell's figure")
        if self.pictures: self.at.first.screenshot(path=self.pictures/f"{self.name}-{what.replace(' ', '-')}.png")
        return f"{self.name}: {what}"

    def press_right(self, slider: int) -> None:
        "Move a slider by one step."
        handle = self.at.first.locator(".noUi-handle").nth(slider)
        handle.scroll_into_view_if_needed()
        handle.focus()
        handle.press("ArrowRight")

    def point_at(self, trace: int, point: int) -> None:
        "Bring the mouse to a point of a scatter plot."
        at = self.at.first.locator(".scatterlayer .trace").nth(trace).locator(".point").nth(point)
        at.scroll_into_view_if_needed()
        box = at.bounding_box()
        x, y = box["x"] + box["width"]/2, box["y"] + box["height"]/2
        self.page.mouse.move(x - 1, y)
        self.page.mouse.move(x, y)
        self.page.wait_for_timeout(400)

    def click_point(self, trace: int, point: int) -> None:
        "Click a point of a scatter plot."
        self.point_at(trace, point)
        self.page.mouse.down()
        self.page.mouse.up()

    def thumbnails(self) -> list[str]:
        "The names of the thumbnails, all of whose pictures are drawn."
        slots = self.at.first.locator(".widget-vbox:has(> .widget-image):has(> .widget-button)")
        drawn = slots.locator(".widget-image").evaluate_all("xs => xs.every(x => x.naturalWidth > 0)")
        return slots.locator(".widget-button").all_inner_texts() if drawn else []

    def choose(self, thumbnail: int) -> None:
        "Press the button of a thumbnail."
        self.at.first.locator(".widget-vbox:has(> .widget-image) > .widget-button").nth(thumbnail).click()

    def under_mouse(self) -> str:
        "The name and the picture of what was pointed at last."
        at = self.at.first.locator(".inr2vec-under-mouse")
        return at.inner_text() + at.locator("img").get_attribute("src")


def shown_cells(page, sources: list[str], pictures: Path | None) -> list[Cell]:
    "The explorers of the open notebook, once they all show their figures."
    cells = [Cell(page, source, pictures) for source in sources]
    try: until(page, lambda: all(c.is_shown() for c in cells), "every explorer shows its figures", 300)
    except AssertionError:
        dead = [c.name for c in cells if not c.at.count()]
        if page.get_by_text("VBox(children=", exact=False).count():
            raise AssertionError("JupyterLab shows the widgets as text: it does not find jupyterlab_widgets") from None
        if dead: raise AssertionError(f"these are still pictures, not widgets: {', '.join(dead)}") from None
        raise
    return cells


def try_explorer(page, pictures: Path | None) -> Iterator[str]:
    "10_explorer: the smallest widget."
    [powers] = shown_cells(page, ["Powers()"], pictures)
    yield powers.changes(lambda: powers.press_right(0), "another power", [])


def stands_still(page, cell: Cell, seconds: float = 6.) -> bool:
    "Whether the figures of a cell stay as they are for a while."
    before = cell.figures()
    page.wait_for_timeout(1000*seconds)
    return cell.figures() == before


def try_embeddings(page, pictures: Path | None) -> Iterator[str]:
    "20_embeddings: neighbours, interpolation, the map."
    sources = ["find = RetrievalExplorer(", "walk = InterpolationExplorer(", "place = MapExplorer("]
    find, walk, place = cells = shown_cells(page, sources, pictures)
    def others(cell: Cell) -> list[Cell]: return [c for c in cells if c is not cell]

    yield find.changes(lambda: find.press_right(0), "another shape asks for its neighbours", others(find))
    yield find.changes(lambda: find.press_right(1), "one neighbour more", others(find))
    off = find.at.first.evaluate(FRAMES)
    if not off or max(off) > 0.01: raise AssertionError(f"frames are not around their shapes: {off}")
    until(page, lambda: len(find.thumbnails()) == 6, "each neighbour has a thumbnail")
    yield find.changes(lambda: find.choose(1), "a thumbnail that is chosen", others(find))
    yield walk.changes(lambda: walk.press_right(0), "a step on the way", others(walk))
    until(page, lambda: walk.thumbnails() == ["0%", "50%", "60%", "100%"], "the steps that were decoded line up")
    yield walk.changes(lambda: walk.choose(0), "back to the first step by its thumbnail", others(walk))
    play = walk.at.first.locator(".widget-play button").first      # the same button pauses
    yield walk.changes(play.click, "play", others(walk))
    play.click()
    until(page, lambda: stands_still(page, walk), "the interpolation is paused")
    yield place.changes(lambda: place.press_right(0), "another point of the map", others(place))
    yield place.changes(lambda: place.click_point(2, 1), "a click on a point", others(place))
    clicked, label = place.at.first.evaluate(POINT)
    title = f"{clicked.partition(':')[0]}: {label}"
    if title not in place.figures(): raise AssertionError(f"{clicked} was clicked, and another shape is shown")
    seen = place.under_mouse()
    place.point_at(4, 0)
    until(page, lambda: place.under_mouse() != seen, "the shape under the mouse is shown")
    yield "MapExplorer: the shape under the mouse"
    yield place.changes(lambda: place.choose(0), "a neighbour that is chosen by its thumbnail", others(place))


def try_fitting(page, pictures: Path | None) -> Iterator[str]:
    "30_fitting: the monitor."
    [monitor] = shown_cells(page, ["monitor = FittingMonitor("], pictures)
    yield monitor.changes(lambda: monitor.press_right(0), "ten steps more", [])


TRIES = {"10_explorer": try_explorer, "20_embeddings": try_embeddings, "30_fitting": try_fitting}


def chromium() -> str | None:
    "A Chromium to use; None for playwright's own."
    found = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    return os.environ.get("CHROMIUM") or next(filter(None, found), None)


def shut_down_kernels(page) -> None:
    "End the kernels of the notebooks that are open: several at once are too much for two cores."
    page.evaluate("""async () => {
        const base = location.pathname.split('/lab')[0], token = new URLSearchParams(location.search).get('token');
        const config = JSON.parse(document.getElementById('jupyter-config-data').textContent);
        const how = {headers: {Authorization: `token ${token || config.token}`}}, at = `${base}/api/sessions`;
        const open = await (await fetch(at, how)).json();
        await Promise.all(open.map(s => fetch(`${at}/${s.id}`, {...how, method: 'DELETE'})));
    }""")


def try_notebook(browser, address: str, name: str, pictures: Path | None) -> tuple[list[str], Exception | None]:
    "Open a notebook, run it, and try its widgets: what was seen to work, and what did not."
    seen: list[str] = []
    page = browser.new_page(viewport=dict(width=1400, height=1600))
    page.goto(address)
    try:
        run_all_cells(page)
        for what in TRIES[name](page, pictures): seen.append(what)
    except Exception as e:
        if pictures: page.screenshot(path=pictures/f"failed-{name}.png")
        return seen, e
    finally:
        shut_down_kernels(page)
        page.close()
    return seen, None


def main(pictures: Path | None, names: list[str]) -> int:
    "Try some notebooks; the exit status is 1 if anything failed."
    try:
        import anywidget  # noqa: F401
        import jupyterlab as _  # noqa: F401
        from playwright.sync_api import sync_playwright
    except ImportError as e:
        sys.exit(f"{e.name} is not installed: pip install -c constraints.txt -e '.[browser]'")
    if pictures: pictures.mkdir(parents=True, exist_ok=True)
    passed, failed = 0, 0
    options = ["--no-sandbox", "--use-gl=swiftshader", "--enable-unsafe-swiftshader"]
    with tempfile.TemporaryDirectory() as tmp, sync_playwright() as play:
        for name in names: shutil.copy(WIDGETS/f"{name}.ipynb", tmp)
        browser = play.chromium.launch(executable_path=chromium(), args=options)
        with jupyterlab(Path(tmp)) as address_of:
            for name in names:
                seen, problem = try_notebook(browser, address_of(f"{name}.ipynb"), name, pictures)
                for what in seen: print("   ", what, flush=True)
                if problem: print(f"    FAILED {name}: {problem}", flush=True)
                passed, failed = passed + len(seen), failed + bool(problem)
        browser.close()
    print(f"\n{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    folder, names = sys.argv[1:2], sys.argv[2:]
    sys.exit(main(Path(folder[0]) if folder else None, names or list(TRIES)))
