"""Read the site as a reader does: `make browser`, or python tests/reading.py [FOLDER for pictures].

Builds the site and opens it from the disk in a headless Chromium: search by keys, copy buttons, folded checks, live
figures, dark and light, the way through a page, and a dozen pages at the width of a desk and of a phone, which must
not be wider than the screen. Published versions are tried on a server of its own."""
import json
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from browser import chromium
from project import ROOT

sys.path.insert(0, str(ROOT/"docs"))             # the site's builder

PAGES = ("index", "report/60_results_page", "report/70_claims", "report/72_headlines", "tutorials/01_start",
         "embedding/10_paper_encoder", "inrs/20_siren", "data/42_mesh_files", "signals/20_image_signals",
         "viz/20_figures", "widgets/20_embeddings", "cli/00_cli", "cli/35_sharing", "experiments/retrieval",
         "experiments/library_search", "experiments/study_augmentation", "experiments/end_to_end")
SCREENS = {"desk": dict(width=1280, height=900), "phone": dict(width=390, height=844)}
PATIENCE = 180_000                               # milliseconds: two busy cores draw slowly
LOST = """() => [...document.querySelectorAll('main > :not(figure, .wide, pre, .block)')]
    .filter(x => x.getBoundingClientRect().right > innerWidth + 1).map(x => x.outerHTML.slice(0, 80))"""


def expect(true: bool, what: str) -> None:
    "Raise `AssertionError` with `what` where it is not so."
    if not true: raise AssertionError(f"it is not so that {what}")


def try_search(page, address: Callable[[str], str]) -> Iterator[str]:
    "Keys: /, Ctrl-K, arrows, Enter and Escape; words of the text are marked in what is found."
    page.goto(address("index"))
    box, found = page.locator(".search input"), page.locator("#found [role=option]")
    page.keyboard.press("/")
    expect(box.evaluate("x => x === document.activeElement"), "/ leads to the search")
    page.keyboard.type("hidden-to-hidden weights", delay=5)
    found.first.wait_for(timeout=PATIENCE)
    expect("paper's encoder" in found.first.inner_text(), "words of the text find the page that they stand on")
    expect(found.first.locator("small mark").count() > 0, "the match is marked")
    yield "search in the text, with / first"
    page.keyboard.press("Escape")
    expect(page.locator("#found").is_hidden() and box.input_value() == "", "Escape empties the search")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("fit_batch", delay=5)
    found.nth(1).wait_for(timeout=PATIENCE)
    first, second = (found.nth(i).get_attribute("id") for i in (0, 1))
    expect(box.get_attribute("aria-activedescendant") == first, "the first is chosen")
    page.keyboard.press("ArrowDown")
    expect(box.get_attribute("aria-activedescendant") == second, "the arrow chooses the second")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/50_fitting.html#fit_batch", timeout=PATIENCE)
    yield "Ctrl-K, arrows and Enter"


def try_copy(page, address: Callable[[str], str]) -> Iterator[str]:
    "A button that the keyboard reaches copies its block, and folded checks unfold."
    page.goto(address("embedding/10_paper_encoder"))
    fold = page.locator("details.folded", has=page.locator("summary", has_text="check")).first
    expect(fold.get_attribute("open") is None, "checks are folded")
    fold.locator("summary").click()
    button, code = fold.locator(".copy").first, fold.locator("pre").first.inner_text()
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Copied", exact=True).wait_for(timeout=PATIENCE)
    page.keyboard.press("/")
    page.keyboard.press("Control+v")
    expect(page.locator(".search input").input_value() == " ".join(code.splitlines()), "the code was copied")
    yield "copy, by keyboard"


def try_figures(page, address: Callable[[str], str]) -> Iterator[str]:
    "A figure comes to life in sight, turns when it is dragged, and can be made a picture again."
    page.goto(address("tutorials/01_start"))
    figure = page.locator("figure.live").first
    figure.scroll_into_view_if_needed()
    page.wait_for_selector("figure.is-live", timeout=PATIENCE)
    eye = "x => JSON.stringify(x.querySelector('.js-plotly-plot')._fullLayout.scene._scene.getCamera().eye)"
    before, box = figure.evaluate(eye), figure.locator(".canvas").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 66, steps=5)
    page.mouse.up()
    expect(figure.evaluate(eye) != before, "a drag turns the shape")
    yield "a live figure"
    figure.get_by_role("button").click()
    expect(figure.locator("img").is_visible() and not figure.locator(".canvas").count(), "it is a picture again")
    page.emulate_media(media="print")
    expect(all(i.is_visible() for i in page.locator("figure.live img").all()), "print has the pictures")
    page.emulate_media(media="screen")
    yield "the picture again, and in print"


def try_looks(page, address: Callable[[str], str]) -> Iterator[str]:
    "The button on top makes the page dark, the next page stays so, and print is light."
    background = "() => getComputedStyle(document.body).backgroundColor"
    page.goto(address("index"))
    light, button = page.evaluate(background), page.locator("button.look")
    expect(button.get_attribute("aria-label") == "dark colours", "the button says what it does")
    button.click()
    dark = page.evaluate(background)
    expect(dark != light, "the button makes the page dark")
    page.goto(address("tutorials/01_start"))
    expect(page.evaluate(background) == dark, "the next page is dark too")
    page.emulate_media(media="print")
    expect(page.evaluate(background) == light, "print is light")
    page.emulate_media(media="screen")
    page.locator("button.look").click()
    expect(page.evaluate(background) == light, "a second press makes it light again")
    yield "dark and light"


def try_way(page, address: Callable[[str], str]) -> Iterator[str]:
    "A page says where it stands; its contents mark what is being read, and unfold above the text on a phone."
    page.goto(address("embedding/10_paper_encoder"))
    expect(page.locator(".trail").inner_text() == "Library › Embedding", "the page says where it stands")
    last = page.locator(".toc a").last
    last.click()
    page.wait_for_selector(".toc .here", timeout=PATIENCE)
    page.wait_for_timeout(1500)
    expect(page.locator(".toc .here").count() == 1, "one entry of the contents is marked")
    page.set_viewport_size(SCREENS["phone"])
    folded = page.locator(".short-toc")
    expect(not folded.locator("li").first.is_visible(), "the contents are folded on a phone")
    folded.locator("summary").click()
    expect(folded.locator("li").first.is_visible(), "and unfold")
    page.locator("button.menu").click()
    expect(page.locator(".sidebar [aria-current]").is_visible(), "the menu opens at the page's own entry")
    yield "the way through a page, at a desk and on a phone"


class Quiet(SimpleHTTPRequestHandler):
    "A handler that prints nothing."

    def log_message(self, *said) -> None:
        "Keep it to oneself."


@contextmanager
def served(folder: Path) -> Iterator[str]:
    "A server of the files in `folder`, by its address."
    def handler(*given) -> Quiet: return Quiet(*given, directory=folder)

    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try: yield f"http://127.0.0.1:{server.server_port}"
    finally: server.shutdown()


def try_versions(page, site: Path) -> Iterator[str]:
    "Versions that the folder above lists are offered on a server; without a list, or on a disk, nothing is."
    from repository import repository
    mine, offer, noise = repository().version, page.locator(".versions"), []
    page.on("console", lambda said: noise.append(said.text) if said.type == "error" else None)
    page.goto((site/"index.html").as_uri())
    page.wait_for_timeout(500)
    expect(offer.is_hidden() and not noise, f"nothing is offered on a disk, without errors: {noise}")
    with tempfile.TemporaryDirectory() as tmp, served(Path(tmp)) as server:
        top = Path(tmp)
        (top/mine).symlink_to(site)
        (top/"old").mkdir()
        for name in ("index", "tutorials/01_start"):
            (path := top/"old"/f"{name}.html").parent.mkdir(exist_ok=True)
            path.write_text(f"<title>old {name}</title>")
        for lists in (None, "no list", '{"version": "1"}', "[]", '[{"version": "1"}]'):
            if lists is not None: (top/"versions.json").write_text(lists)
            page.goto(f"{server}/{mine}/index.html", wait_until="networkidle")
            expect(offer.is_hidden(), f"nothing is offered with {lists} above the site")
        yield "no choice of versions, where there is none"
        listed = [dict(version="9.9", path="none"), dict(version=mine, path=mine), dict(version="0.0", path="old/")]
        (top/"versions.json").write_text(json.dumps(listed))
        for name, there in (("tutorials/01_start", "tutorials/01_start"), ("inrs/20_siren", "index")):
            page.goto(f"{server}/{mine}/{name}.html")
            offer.wait_for(timeout=PATIENCE)
            select = offer.locator("select")
            names, chosen = select.locator("option").all_inner_texts(), select.locator("option:checked").inner_text()
            expect((names, chosen) == (["9.9", mine, "0.0"], mine), f"{mine} is chosen of three: {names}, {chosen}")
            select.select_option(label="0.0")
            page.wait_for_function("document.title.startsWith('old')", timeout=PATIENCE)
            expect(page.title() == f"old {there}", f"{name} leads to {there} of the other version")
        yield "another version: the same page, or its first"


def try_layout(page, address: Callable[[str], str], folder: Path | None) -> Iterator[str]:
    "No page is wider than the screen, and nothing but tables, code and pictures scrolls sideways."
    for screen, size in SCREENS.items():
        page.set_viewport_size(size)
        for name in PAGES:
            page.goto(address(name))
            width = page.evaluate("document.documentElement.scrollWidth")
            expect(width <= size["width"], f"{name} fits a {screen}: it is {width} pixels wide")
            expect(not (lost := page.evaluate(LOST)), f"all of {name} is in sight on a {screen}: {lost}")
            if folder:
                page.wait_for_timeout(2000)
                page.screenshot(path=folder/f"{name.replace('/', '-')}-{screen}.png", full_page=True)
        yield f"{len(PAGES)} pages on a {screen}"


def main(pictures: Path | None) -> int:
    "Try everything; the exit status is 1 if anything failed."
    import build
    from playwright.sync_api import sync_playwright
    if pictures: pictures.mkdir(parents=True, exist_ok=True)
    passed, failed = 0, 0
    options = ["--no-sandbox", "--use-gl=swiftshader", "--enable-unsafe-swiftshader"]
    with tempfile.TemporaryDirectory() as tmp, sync_playwright() as play:
        build.build(site := Path(tmp)/"site")
        browser = play.chromium.launch(executable_path=chromium(), args=options)
        context = browser.new_context(viewport=SCREENS["desk"], permissions=["clipboard-read", "clipboard-write"])
        context.set_default_timeout(PATIENCE)
        def address(name: str) -> str: return (site/f"{name}.html").as_uri()

        tries = [try_search, try_copy, try_figures, try_looks, try_way, lambda page, _: try_versions(page, site),
                 lambda page, at: try_layout(page, at, pictures)]
        for attempt in tries:
            page = context.new_page()
            mistakes: list[str] = []
            page.on("pageerror", lambda e, to=mistakes: to.append(str(e)))
            try:
                for what in attempt(page, address):
                    print("   ", what, flush=True)
                    passed += 1
                expect(not mistakes, f"scripts run without errors: {mistakes[:3]}")
            except Exception as e:
                print(f"    FAILED: {e}", flush=True)
                failed += 1
            page.close()
        browser.close()
    print(f"\n{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__": sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else None))
