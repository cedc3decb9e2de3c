"""Render the notebooks to the site without Quarto: python docs/build.py [FOLDER]; `make docs` does it without Quarto.

The stored outputs are shown as they are and nothing is run or imported. Exported functions stand with their signature,
docstring and parameters, as nbdev shows them, and their source can be unfolded. Names in backticks link to where they
are defined. A page needs no network: formulas are MathML, and plotly's script comes from the installed package."""
import html
import re
import shutil
import sys
import time
from pathlib import Path

import colab
import machines
import scenes
import sidebar
from cells import Body, read_page
from markup import Names, Page, colours
from repository import repository
from search_index import index_script
from typelinks import TypeLinks, tops

HERE, NBS = Path(__file__).resolve().parent, sidebar.NBS
THEME = HERE/"theme"
STYLES = ("base", "layout", "search", "text", "interface")


def navigation(items: list, here: Page, pages: dict[str, Page]) -> str:
    "The sidebar: sections that open where the reader is."
    out = ""
    for item in items:
        if isinstance(item, str):
            page = pages[item]
            title = "Home" if item == "index.ipynb" else page.short_heading
            out += f'<li><a href="{here.up}{page.href}"{" aria-current=page" if page is here else ""}>{title}</a></li>'
        else:
            section, inside = item
            opened = " open" if here.name in sidebar.pages(inside) else ""
            listed = f"<ul>{navigation(inside, here, pages)}</ul>"
            out += f"<li><details{opened}><summary>{html.escape(section)}</summary>{listed}</details></li>"
    return out


def toc_items(page: Page) -> str:
    "The headings of a page, and what it defines, as a list of links."
    items = "".join(f'<li class="l{level}"><a href="#{name}">{text}</a></li>' for level, name, text in page.toc)
    return f"<ul>{items}</ul>" if items else ""


def contents(page: Page) -> str:
    "The table of contents next to a page."
    items = toc_items(page)
    return f'<nav class="toc" aria-label="on this page"><p>On this page</p>{items}</nav>' if items else ""


def short_contents(page: Page) -> str:
    "The same above the text, to unfold, where there is no room next to it."
    items = toc_items(page)
    return f'<details class="short-toc"><summary>On this page</summary>{items}</details>' if items else ""


def sections_above(items: list, name: str) -> list[str]:
    "The sections of the sidebar that a page stands in, from the outermost."
    for item in items:
        if isinstance(item, str): continue
        section, inside = item
        if name in inside: return [section]
        if found := sections_above(inside, name): return [section, *found]
    return []


def trail(items: list, page: Page) -> str:
    "Where a page stands, for those who come from a search."
    above = sections_above(items, page.name)
    return f'<p class="trail">{" › ".join(map(html.escape, above))}</p>' if above else ""


def names_everywhere(pages: dict[str, Page]) -> Names:
    "The names that mean one thing wherever they stand; commands of the command line are no names of the library."
    places: dict[str, list[tuple[str, str]]] = {}
    for page in pages.values():
        if page.module.startswith("cli"): continue
        for e in page.every_entry(): places.setdefault(e.name, []).append((page.href, page.id_of(e.name)))
    return {name: found[0] for name, found in places.items() if len(found) == 1}


def commands(pages: dict[str, Page]) -> Names:
    "The commands, as one types them: `inr2vec fit`."
    found = [(page, e) for page in pages.values() for e in page.every_entry() if e.kind == "command"]
    return {e.shell: (page.href, page.id_of(e.name)) for page, e in found if " " in e.shell}


def names_on(page: Page, typed: Names) -> Names:
    "What names mean on their own page: what it defines, methods without their class, and in `nbs/cli` the commands."
    short = {name.split()[-1]: place for name, place in typed.items()} if page.module.startswith("cli") else {}
    whole = {e.name: (page.href, page.id_of(e.name)) for e in page.every_entry()}
    return short | {name.rpartition(".")[2]: place for name, place in whole.items()} | whole


def turn(pages: list[Page], i: int, word: str, here: Page) -> str:
    "A link to the page before or after."
    if not 0 <= i < len(pages): return "<span></span>"
    title = pages[i].heading
    return f'<a class="{word}" href="{here.up}{pages[i].href}"><span>{word}</span> {title}</a>'


def link(address: str, text: str, attributes: str = "") -> str:
    "A link."
    return f'<a href="{html.escape(address, quote=True)}"{attributes}>{html.escape(text)}</a>'


def meta(page: Page) -> str:
    "The module of a page, its notebook to take away, and Colab where it is offered."
    file = Path(page.name).name
    parts = [f"<code>inr2vec.{page.module.removesuffix('.__init__')}</code>"] if page.module else []
    parts.append(f'notebook {link(f"{page.up}notebooks/{page.name}", file, " download")}')
    return " · ".join(filter(None, [*parts, colab.badge(page)]))


def footer(page: Page) -> str:
    "Version and licence, where a page can be edited and a problem reported, and the page for machines."
    at, file = repository(), f"nbs/{page.name}"
    links = [link(at.home, "Repository"), link(at.file(file), "Source of this page"),
             link(at.edit(file), "Edit this page"), link(at.report(page.title), "Report a problem"),
             link(page.up + machines.copy_of(page), "This page as Markdown")]
    said = f"Documentation of {at.package} {at.version} · {at.licence}"
    return " ".join([f"<span>{html.escape(said)}</span>", *links])


def scripts(page: Page, text: str) -> str:
    "What a page needs of JavaScript."
    names = ["page", "search", "versions", *(["scenes"] if 'class="live' in text else [])]
    return "\n".join(f'<script src="{page.up}{name}.js"></script>' for name in names)


def write_page(out: Path, template: str, fields: dict[str, str], page: Page) -> None:
    "Fill the template and write the page; the notebook to download is laid next to it."
    for target in (out/page.href, out/"notebooks"/page.name): target.parent.mkdir(parents=True, exist_ok=True)
    text = re.sub(r"\{\{(\w+)\}\}", lambda m: fields[m[1]], template)
    (out/page.href).write_text(text, encoding="utf-8")
    source = colab.notebook(page, (NBS/page.name).read_text(encoding="utf-8"))
    (out/"notebooks"/page.name).write_text(source, encoding="utf-8")


def write_theme(out: Path, texts: list[tuple[Page, str]]) -> None:
    "Style sheet, scripts, and what the search looks in."
    style = "\n".join((THEME/f"{name}.css").read_text(encoding="utf-8") for name in STYLES)
    (out/"style.css").write_text(style + colours("friendly"), encoding="utf-8")
    dark = (THEME/"dark.css").read_text(encoding="utf-8")
    (out/"dark.css").write_text(dark + colours("native"), encoding="utf-8")
    for path in THEME.glob("*.js"): shutil.copy(path, out/path.name)
    (out/"search-index.js").write_text(index_script(texts), encoding="utf-8")
    scenes.copy_plotly(out)


def build(out: Path) -> list[Page]:
    "Write the site to `out`, replacing what is there."
    website, tree = sidebar.config(), sidebar.tree()
    pages = {name: read_page(name) for name in sidebar.pages()}
    order, everywhere = list(pages.values()), names_everywhere(pages)
    modules, defined, typed = {p.module: p for p in order if p.module}, tops(pages), commands(pages)
    if out.exists(): shutil.rmtree(out)
    (out/"figures").mkdir(parents=True)
    template, texts = (THEME/"page.html").read_text(encoding="utf-8"), []
    for i, page in enumerate(order):
        names = everywhere | typed | names_on(page, typed)
        made = Body(page, names, modules, TypeLinks(page, defined))
        text = made.html
        texts.append((page, text))
        for path, content in made.pictures.items(): (out/path).write_bytes(content)
        title = page.title if page.name == "index.ipynb" else f"{page.title} – {website['title']}"
        fields = dict(
            title=html.escape(title.replace("`", "")),
            heading=page.heading,
            site=html.escape(website["title"]),
            version=html.escape(repository().version),
            repository=html.escape(repository().home, quote=True),
            up=page.up,
            copy=page.up + machines.copy_of(page),
            body=colab.first_cell(page) + text,
            description=html.escape(page.about or website["description"], quote=True),
            navigation=navigation(tree, page, pages),
            toc=contents(page),
            short_toc=short_contents(page),
            trail=trail(tree, page),
            meta=meta(page),
            previous=turn(order, i - 1, "previous", page),
            next=turn(order, i + 1, "next", page),
            footer=footer(page),
            scripts=scripts(page, text),
        )
        write_page(out, template, fields, page)
        copy = machines.markdown_copy(page, list(made.pictures))
        (out/machines.copy_of(page)).write_text(copy, encoding="utf-8")
    if (NBS/"images").exists(): shutil.copytree(NBS/"images", out/"images")
    listed = machines.listing(tree, pages, website["title"], website["description"])
    (out/"llms.txt").write_text(listed, encoding="utf-8")
    write_theme(out, texts)
    return order


if __name__ == "__main__":
    if any(a.startswith("-") for a in sys.argv[1:]): sys.exit(__doc__)
    start, where = time.perf_counter(), Path(sys.argv[1] if len(sys.argv) > 1 else sidebar.ROOT/"_docs")
    print(f"{len(build(where))} pages in {where} after {time.perf_counter() - start:.0f} s: open {where/'index.html'}")
