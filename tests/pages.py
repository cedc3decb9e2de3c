"""Checks of what readers see: the sidebar, the built site, README, CONTRIBUTING and the results page."""
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from project import EXPERIMENTS, NBS, ROOT, Results, notebooks
from site_parts import copy_problems, copying_problems, link_problems, text_problems, typed_problems
from sources import output_texts

sys.path[:0] = [str(ROOT/"docs"), str(ROOT)]     # the site's builder, and the package


def check_site() -> Results:
    "every notebook stands in the site's sidebar once, experiments by their kind; the builder's parts do what they say"
    import sidebar
    globs, problems = list(sidebar.sidebar_globs()), []
    text = (ROOT/"_quarto.yml").read_text(encoding="utf-8")
    if sidebar.with_experiments(text) != text: problems.append("_quarto.yml lists other experiments: run make readme")
    for p in notebooks():
        name = p.relative_to(NBS).as_posix()
        hits = [g for g in globs if sidebar.matches(name, g)]
        if len(hits) != 1: problems.append(f"nbs/{name} is matched by {hits or 'nothing'} in _quarto.yml")
    return {
        "site": problems,
        "folded checks": list(fold_problems()),
        "shell usage": list(shell_problems()),
        "links in signatures": list(link_problems()),
        "formulas and breaks": list(text_problems()),
        "cells in Markdown copies": list(copying_problems()),
    }


# a cell, whether it shows nothing, what later examples read -> what stays as an example, and what is folded
CELLS = [
    (("test_eq(f(1), 2)", True, set()), ("", "test_eq(f(1), 2)")),
    (("x = f(1)\nassert x == 2", False, set()), ("x = f(1)", "assert x == 2")),
    (("x = f(1)\n\n# two\nassert x == 2", True, {"x"}), ("x = f(1)", "# two\nassert x == 2")),
    (("def g(): pass\ntest_fail(g)", True, set()), ("", "def g(): pass\ntest_fail(g)")),
    (("def g(): pass\ntest_fail(g)", True, {"g"}), ("def g(): pass", "test_fail(g)")),
    (("assert x\ny = 1\nassert y", True, set()), ("", "assert x\ny = 1\nassert y")),
    (("assert x\ny = 1\nassert y", True, {"y"}), ("assert x\ny = 1\nassert y", "")),
    (("assert x\ny = [i for i in x]\nassert y", True, {"i"}), ("", "assert x\ny = [i for i in x]\nassert y")),
    (("assert x\nshow(x)", False, set()), ("assert x\nshow(x)", "")),
    (("for i in (1, 2): test_eq(i, i)", True, set()), ("", "for i in (1, 2): test_eq(i, i)")),
    (("import a\nfrom b import c", False, {"a", "c"}), ("", "import a\nfrom b import c")),
    (("!ls", True, set()), ("!ls", "")),
]


def fold_problems() -> Iterator[str]:
    "Cells that are not split into example and checks as they should be."
    import checks
    for (source, silent, later), (example, checked) in CELLS:
        found = checks.split(source, later, silent)
        if (found.example, found.checks) != (example, checked): yield f"{source!r} is split into {found}"


COMMAND = '''
@app.command("try-it")
def tried(
    files: Annotated[list[Path], typer.Argument(help="what to try")],
    seed: Annotated[int, typer.Option(min=0, help="decides everything")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="say less")] = False,
    folder: Annotated[Path, typer.Option(help="where")] = Path("runs"),
) -> None:
    "Try files."
'''


def shell_problems() -> Iterator[str]:
    "Commands that do not stand on the site as a terminal knows them."
    import shell
    [entry] = shell.entries(COMMAND)
    if entry.signature != "inr2vec try-it [OPTIONS] FILES...": yield f"the usage is {entry.signature!r}"
    found = [(p.shell, p.default, p.about) for p in entry.params]
    expected = [("FILES...", "", "what to try"), ("--seed SEED", "0", "decides everything"),
                ("--quiet -q", "", "say less"), ("--folder FOLDER", "runs", "where")]
    if found != expected: yield f"the options are {found}"


def check_docs() -> Results:
    "links, pictures, sources, search, live figures and copies of the site lead on, and links of the Markdown files"
    import build
    import links
    problems = []
    with tempfile.TemporaryDirectory() as tmp:
        site = Path(tmp)/"site"
        pages = build.build(site)
        for page, found in links.site_problems(site).items(): problems += [f"{page}: {what}" for what in found]
        problems += [f"{p.href} was not written" for p in pages if not (site/p.href).is_file()]
        found = {
            "search": list(search_problems(site, pages)),
            "parts of pages": list(part_problems(site, pages)),
            "types in signatures": list(typed_problems(site)),
            "copies for machines": list(copy_problems(site, pages)),
        }
    for p in sorted(ROOT.glob("*.md")): problems += [f"{p.name}: {what}" for what in links.markdown_problems(p)]
    return {"docs": problems} | found


def plain_words(markdown: str) -> list[str]:
    "Runs of plain words in Markdown, as a reader would look for them."
    prose = re.sub(r"(?s)```.*?```|`[^`]*`|\$.*?\$", "` `", markdown)
    return re.findall(r"(?:(?<=\s)|^)(?:[a-z]+ ){4}[a-z]+(?=\s)", prose)


def search_problems(site: Path, pages: list) -> Iterator[str]:
    "Prose of notebooks that the search does not find."
    from search_index import read_index
    listed = read_index((site/"search-index.js").read_text(encoding="utf-8"))
    texts = {href: " ".join(" ".join(section) for section in sections) for _, href, sections in listed}
    for page in pages:
        for cell in page.nb["cells"]:
            if cell["cell_type"] != "markdown": continue
            for words in plain_words("".join(cell["source"])):
                if words not in texts[page.href]: yield f"{page.href}: {words!r} is not found"
        for entry in page.every_entry():
            if entry.name.split(".")[-1] not in texts[page.href]: yield f"{page.href}: {entry.name} is not found"


def part_problems(site: Path, pages: list) -> Iterator[str]:
    "Pages without the links that each should have, sources that are elsewhere, live figures without a still picture."
    import colab
    from repository import repository
    at = repository()
    for page in pages:
        text = (site/page.href).read_text(encoding="utf-8")
        for address in (at.edit(f"nbs/{page.name}"), at.file(f"nbs/{page.name}"), at.report(page.title).split("?")[0]):
            if f'href="{address}' not in text: yield f"{page.href} does not link to {address}"
        if f"Documentation of {at.package} {at.version}" not in text: yield f"{page.href} does not name the version"
        if '<p class="versions" hidden>' not in text or "versions.js" not in text:
            yield f"{page.href} does not offer other versions"
        offered, taken_away = colab.is_offered(page), (site/"notebooks"/page.name).read_text(encoding="utf-8")
        if offered != ("colab.research" in text): yield f"{page.href}: Colab where it is not offered, or not"
        if offered and "%pip install -q" not in taken_away:
            yield f"{page.href}: the notebook to download does not install the package"
        for path, line, name in re.findall(r'/blob/\w+/(inr2vec/\S+?)#L(\d+)" aria-label="source of ([\w.]+)', text):
            found = (ROOT/path).read_text(encoding="utf-8").splitlines()[int(line) - 1]
            if not re.match(rf"\s*(async def|def|class) {name.split('.')[-1]}\b", found):
                yield f"{page.href}: the source of {name} is not at {path}:{line}"
        for figure in re.findall(r'<figure class="live.*?</figure>', text, re.S):
            if "<img " not in figure: yield f"{page.href}: a live figure without a still picture"
            data = json.loads(re.search(r"<script[^>]*>(.*?)</script>", figure, re.S)[1])
            if not data["data"]: yield f"{page.href}: a live figure without data"
        if 'class="live' in text and "scenes.js" not in text: yield f"{page.href}: its figures never come to life"
    scripts = ("plotly.min.js", "page.js", "look.js", "search.js", "scenes.js", "versions.js")
    for name in (*scripts, "style.css", "dark.css"):
        if not (site/name).is_file(): yield f"{name} is missing"


def stored_outputs(name: str) -> str:
    "All that a notebook of nbs/ stores as output, as text."
    cells = json.loads((NBS/name).read_text(encoding="utf-8"))["cells"]
    outputs = [o for c in cells if c["cell_type"] == "code" for o in c["outputs"]]
    return "\n".join(text for o in outputs for text in output_texts(o))


def without_marks(text: str) -> str:
    "A page without its marks of stale results, which change with the code, and without the widths of its columns."
    return re.sub(r"[ -]+", " ", re.sub(r"^†:.*$|†", "", text, flags=re.M))


def check_readme() -> Results:
    "README.md, CONTRIBUTING.md and the results page are what notebooks and results/ make"
    import readme
    from inr2vec.report.claims import claims_page
    from inr2vec.report.page_tables import experiments_table
    from inr2vec.report.results_page import headline_page, results_page
    where = ROOT/"results", EXPERIMENTS
    front = [f"{name} is not: run make readme" for name in readme.differences()]
    if experiments_table(*where).data not in stored_outputs("index.ipynb"):
        front.append("its list of experiments is not that of nbs/experiments: run make readme")
    found = {"README.md": front}
    made = {
        "60_results_page": [headline_page(where[0]).data, results_page(*where).data],
        "70_claims": [claims_page(where[0]).data],
    }
    for name, texts in made.items():
        stored = without_marks(stored_outputs(f"report/{name}.ipynb"))
        shown = all(without_marks(text) in stored for text in texts)
        found[f"nbs/report/{name}"] = [] if shown else ["it does not show what is in results/: run make readme"]
    return found
