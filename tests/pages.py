"""Checks of what readers see: the sidebar, the built site, README, CONTRIBUTING and the results page."""
import json
import re
import sys
import tempfile
from pathlib import Path

from project import EXPERIMENTS, NBS, ROOT, Results, notebooks
from sources import output_texts

sys.path[:0] = [str(ROOT/"docs"), str(ROOT)]     # the site's builder, and the package


def check_site() -> Results:
    "every notebook stands in the site's sidebar once, experiments by their kind"
    import sidebar
    globs, problems = list(sidebar.sidebar_globs()), []
    text = (ROOT/"_quarto.yml").read_text(encoding="utf-8")
    if sidebar.with_experiments(text) != text: problems.append("_quarto.yml lists other experiments: run make readme")
    for p in notebooks():
        name = p.relative_to(NBS).as_posix()
        hits = [g for g in globs if sidebar.matches(name, g)]
        if len(hits) != 1: problems.append(f"nbs/{name} is matched by {hits or 'nothing'} in _quarto.yml")
    return {"site": problems}


def check_docs() -> Results:
    "every internal link, anchor and picture of the site and of the Markdown files leads somewhere"
    import build
    import links
    problems = []
    with tempfile.TemporaryDirectory() as tmp:
        site = Path(tmp)/"site"
        pages = [p.href for p in build.build(site)]
        for page, found in links.site_problems(site).items(): problems += [f"{page}: {what}" for what in found]
        problems += [f"{page} was not written" for page in pages if not (site/page).is_file()]
    for p in sorted(ROOT.glob("*.md")): problems += [f"{p.name}: {what}" for what in links.markdown_problems(p)]
    return {"docs": problems}


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
