"""Render the notebooks to the site without Quarto: python docs/build.py [FOLDER]; `make docs` does it without Quarto.

The stored outputs are shown as they are and nothing is run or imported. Exported functions stand with their signature,
docstring and parameters, as nbdev shows them, and their source can be unfolded. Names in backticks link to where they
are defined. A page needs no network: formulas are MathML."""
import html
import json
import re
import shutil
import sys
import time
from pathlib import Path

import sidebar
from cells import body, read_page
from markup import Names, Page, colours, without_tags

HERE, NBS = Path(__file__).resolve().parent, sidebar.NBS


def navigation(items: list, here: Page, pages: dict[str, Page]) -> str:
    "The sidebar: sections that open where the reader is."
    out = ""
    for item in items:
        if isinstance(item, str):
            page = pages[item]
            title = html.escape("Home" if item == "index.ipynb" else page.title)
            out += f'<li><a href="{here.up}{page.href}"{" aria-current=page" if page is here else ""}>{title}</a></li>'
        else:
            section, inside = item
            opened = " open" if here.name in sidebar.pages(inside) else ""
            listed = f"<ul>{navigation(inside, here, pages)}</ul>"
            out += f"<li><details{opened}><summary>{html.escape(section)}</summary>{listed}</details></li>"
    return out


def contents(page: Page) -> str:
    "The table of contents next to a page."
    items = "".join(f'<li class="l{level}"><a href="#{name}">{text}</a></li>' for level, name, text in page.toc)
    return f'<nav class="toc" aria-label="on this page"><p>On this page</p><ul>{items}</ul></nav>' if items else ""


def names_everywhere(pages: dict[str, Page]) -> Names:
    "The names that mean one thing wherever they stand; commands of the command line are no names of the library."
    places: dict[str, list[tuple[str, str]]] = {}
    for page in pages.values():
        if page.module.startswith("cli"): continue
        for e in page.every_entry(): places.setdefault(e.name, []).append((page.href, page.id_of(e.name)))
    return {name: found[0] for name, found in places.items() if len(found) == 1}


def names_on(page: Page) -> Names:
    "What names mean on their own page: what it defines, and methods without their class."
    whole = {e.name: (page.href, page.id_of(e.name)) for e in page.every_entry()}
    return {name.rpartition(".")[2]: place for name, place in whole.items()} | whole


def turn(pages: list[Page], i: int, word: str, here: Page) -> str:
    "A link to the page before or after."
    if not 0 <= i < len(pages): return "<span></span>"
    title = html.escape(pages[i].title)
    return f'<a class="{word}" href="{here.up}{pages[i].href}"><span>{word}</span> {title}</a>'


def meta(page: Page) -> str:
    "The module of a page, and its notebook to take away."
    file = html.escape(Path(page.name).name)
    parts = [f"<code>inr2vec.{page.module}</code>"] if page.module else []
    return " · ".join([*parts, f'notebook <a href="{page.up}notebooks/{page.name}" download>{file}</a>'])


def write_page(out: Path, template: str, fields: dict[str, str], page: Page) -> None:
    "Fill the template and write the page; the notebook is laid next to it."
    for target in (out/page.href, out/"notebooks"/page.name): target.parent.mkdir(parents=True, exist_ok=True)
    text = re.sub(r"\{\{(\w+)\}\}", lambda m: fields[m[1]], template)
    (out/page.href).write_text(text, encoding="utf-8")
    shutil.copy(NBS/page.name, out/"notebooks"/page.name)


def write_scripts(out: Path, pages: list[Page]) -> None:
    "The search with what it looks in, and the style sheet."
    found = [[p.title, p.href, p.about, [[without_tags(text), name] for _, name, text in p.toc]] for p in pages]
    index = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
    script = (HERE/"page.js").read_text(encoding="utf-8")
    (out/"search.js").write_text(f"const PAGES = {index};\n{script}", encoding="utf-8")
    style = (HERE/"style.css").read_text(encoding="utf-8")
    dark = f"@media screen and (prefers-color-scheme: dark) {{\n{colours('native')}}}\n"
    (out/"style.css").write_text(style + colours("friendly") + dark, encoding="utf-8")


def build(out: Path) -> list[Page]:
    "Write the site to `out`, replacing what is there."
    website, tree = sidebar.config(), sidebar.tree()
    pages = {name: read_page(name) for name in sidebar.pages()}
    order, everywhere = list(pages.values()), names_everywhere(pages)
    modules = {p.module: p for p in order if p.module}
    if out.exists(): shutil.rmtree(out)
    (out/"figures").mkdir(parents=True)
    template = (HERE/"page.html").read_text(encoding="utf-8")
    for i, page in enumerate(order):
        text, pictures = body(page, everywhere | names_on(page), modules)
        for path, content in pictures.items(): (out/path).write_bytes(content)
        title = page.title if page.name == "index.ipynb" else f"{page.title} – {website['title']}"
        fields = dict(
            title=html.escape(title),
            heading=html.escape(page.title),
            site=html.escape(website["title"]),
            up=page.up,
            body=text,
            description=html.escape(page.about or website["description"], quote=True),
            navigation=navigation(tree, page, pages),
            toc=contents(page),
            meta=meta(page),
            previous=turn(order, i - 1, "previous", page),
            next=turn(order, i + 1, "next", page),
        )
        write_page(out, template, fields, page)
    if (NBS/"images").exists(): shutil.copytree(NBS/"images", out/"images")
    write_scripts(out, order)
    return order


if __name__ == "__main__":
    if any(a.startswith("-") for a in sys.argv[1:]): sys.exit(__doc__)
    start, where = time.perf_counter(), Path(sys.argv[1] if len(sys.argv) > 1 else sidebar.ROOT/"_docs")
    print(f"{len(build(where))} pages in {where} after {time.perf_counter() - start:.0f} s: open {where/'index.html'}")
