"""The cells of a notebook as HTML: prose, code, stored outputs, and the interface of what is exported."""
import base64
import html
import json
import re
from pathlib import Path

import checks
import colab
import scenes
import shell
import sidebar
from interface import interface
from markup import Names, Page, code, folded, markdown, only_imports, png_size, unbroken, without_tags
from tables import with_cards
from typelinks import TypeLinks

DECLARATION = re.compile(r"experiment = \{")      # which the catalogue of experiments reads
NOT_RUN = '<p class="note">This experiment has not been run for these pages yet: it shows no results.</p>'
PICTURES = (("image/png", "png"), ("image/jpeg", "jpg"), ("image/gif", "gif"))


def read_page(name: str) -> Page:
    "The notebook, its title, and what it exports."
    page = Page(name, json.loads((sidebar.NBS/name).read_text(encoding="utf-8")))
    for i, cell in enumerate(page.nb["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and not page.title:
            if m := re.match(r"#\s+(.+?)\n*(?:\n> (.+?))?\n*(?=\n|$)", source):
                page.title, page.about = m[1].strip(), (m[2] or "").strip()
                cell["source"] = source[m.end():]
        if m := re.search(r"^#\|\s*default_exp\s+(\S+)", source, re.M): page.module = m[1]
        if re.search(r"^#\|\s*exports?\b", source, re.M):
            page.entries[i] = shell.entries(source)
    page.title = page.title or Path(name).stem
    page.ids |= {page.id_of(e.name) for e in page.every_entry()}
    return page


def picture(data: dict[str, str], page: Page, pictures: dict[str, bytes], alt: str) -> str:
    "A picture among the data of an output, which is added to `pictures`; '' if there is none."
    for mime, ending in PICTURES:
        if mime not in data: continue
        place = Path(page.href).with_suffix("").as_posix().replace("/", "-")
        name = f"figures/{place}-{sum(n.startswith('figures/') for n in pictures)}.{ending}"
        pictures[name] = base64.b64decode(data[mime])
        size, src = png_size(pictures[name]), f"{page.up}{name}"
        # the size keeps the place free until the picture is loaded
        about = f' width="{size[0]}" height="{size[1]}" style="--width: {size[0]}px"' if size else ""
        return f'<a href="{src}"><img src="{src}" alt="{alt}"{about} decoding="async"></a>'
    return ""


def output(out: dict, page: Page, md, pictures: dict[str, bytes], alt: str = "") -> str:
    """One stored output: pictures, live where plotly has them, before tables before text.

    `alt` tells those who do not see a picture what it shows; else the heading above it does."""
    def text(words: str) -> str:
        kind = "output printed sentences" if is_prose(words) else "output printed"
        return f'<pre class="{kind}">{html.escape(words.rstrip())}</pre>'

    if out["output_type"] == "stream": return text("".join(out["text"]))
    data = {k: "".join(v) if isinstance(v, list) else v for k, v in out.get("data", {}).items()}
    alt = html.escape(alt or without_tags(page.toc[-1][2] if page.toc else page.title), quote=True)
    if still := picture(data, page, pictures, alt):
        figure = data.get(scenes.PLOTLY, {})
        return scenes.live(figure, still) if scenes.is_light(figure) else f"<figure>{still}</figure>"
    if "image/svg+xml" in data: return f'<figure role="img" aria-label="{alt}">{data["image/svg+xml"]}</figure>'
    if "text/html" in data: return f'<div class="output wide">{data["text/html"]}</div>'
    if "text/markdown" in data: return f'<div class="output">{md(data["text/markdown"])}</div>'
    return text(data["text/plain"]) if "text/plain" in data else ""


def is_prose(printed: str) -> bool:
    "Whether what was printed has no columns, which long lines would keep if they were broken."
    return not re.search(r"\S {2,}\S|[│─]", printed)


def directive(source: str, name: str) -> re.Match | None:
    "A line `#| name: value` of a cell."
    return re.search(rf"^#\|\s*{name}\b:?\s*[\"']?(.*?)[\"']?\s*$", source, re.M)


def is_shown(source: str) -> bool:
    "Whether a code cell has a place on the page."
    return not (directive(source, "hide") or directive(source, "default_exp"))


def without_directives(source: str) -> str:
    "The code of a cell."
    return re.sub(r"^#\|.*\n?", "", source, flags=re.M).strip("\n")


def examples(page: Page) -> dict[int, checks.Parts]:
    "What the cells that export nothing show, and what they check. A tutorial's checks are what it teaches."
    sources = {i: "".join(c["source"]) for i, c in enumerate(page.nb["cells"]) if c["cell_type"] == "code"}
    at = [i for i, source in sources.items() if i not in page.entries and is_shown(source)]
    code = [without_directives(sources[i]) for i in at]
    if page.name.startswith("tutorials/"): return {i: checks.Parts(source) for i, source in zip(at, code)}
    return dict(zip(at, checks.split_all([(s, not page.nb["cells"][i]["outputs"]) for i, s in zip(at, code)])))


def exported(source: str, entries: list, page: Page, md, types: TypeLinks) -> list[str]:
    "An exported cell: the interface of what it defines, and its source to unfold."
    text = without_directives(source)
    shown = [interface(e, page, md, types) for e in entries]
    return [*shown, folded("imports" if only_imports(text) else "code", [text])]


def was_never_run(page: Page) -> bool:
    "Whether the page is an experiment without results."
    return colab.is_experiment(page) and not any(c.get("outputs") for c in page.nb["cells"])


class Body:
    "The cells of a page as HTML, and its pictures by path."

    def __init__(self, page: Page, names: Names, modules: dict[str, Page], types: TypeLinks):
        self.page, self.types = page, types
        self.md, self.examples = markdown(page, names, modules), examples(page)
        self.pictures: dict[str, bytes] = {}
        self.parts, self.waiting = [], []             # of the page; checks that are folded together
        if page.about: self.parts.append(f'<div class="lead">{self.md(page.about)}</div>')
        for i, cell in enumerate(page.nb["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown": self.add(self.md(source))
            elif cell["cell_type"] == "code" and is_shown(source): self.add_code(i, source, cell["outputs"])
        self.fold_checks()
        if was_never_run(page): self.parts.insert(bool(page.about), NOT_RUN)

    def fold_checks(self) -> None:
        "The checks that are waiting, as one thing to unfold."
        if self.waiting: self.parts.append(folded(checks.summary("\n".join(self.waiting)), self.waiting))
        self.waiting = []

    def add(self, *parts: str) -> None:
        "Something that is shown, below the checks of what came before."
        self.fold_checks()
        self.parts += parts

    def add_code(self, i: int, source: str, outputs: list[dict]) -> None:
        "A code cell: what it exports or shows, its outputs, and its checks; less what its directives hide."
        has = {name: m[1] for name in ("echo", "output", "fig-alt") if (m := directive(source, name))}
        if i in self.page.entries: self.add(*exported(source, self.page.entries[i], self.page, self.md, self.types))
        shown = self.examples.get(i, checks.Parts()) if has.get("echo") != "false" else checks.Parts()
        if DECLARATION.match(shown.example): self.add(folded("how the catalogue lists it", [shown.example]))
        elif shown.example: self.add(code(shown.example, kind="block cell"))
        if outputs and has.get("output") != "false":
            self.add(*(output(o, self.page, self.md, self.pictures, has.get("fig-alt", "")) for o in outputs))
        if shown.checks: self.waiting.append(shown.checks)

    @property
    def html(self) -> str:
        "The page's body."
        return with_cards(unbroken("\n".join(self.parts)))
