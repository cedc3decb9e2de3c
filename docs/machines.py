"""Pages for machines: a Markdown copy next to each page, and llms.txt, which lists the copies (see llmstxt.org).

A copy has the prose, the code and the outputs in text; its pictures are those of the page, by their address."""
import re
from collections.abc import Iterator
from pathlib import Path

from cells import NOT_RUN, PICTURES, directive, is_shown, was_never_run, without_directives
from markup import Page, without_tags
from repository import repository

CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.S)
INTRODUCTION = """The documentation of version {version}. Each link leads to a page as Markdown: `page.html.md` is the
copy of `page.html`. Each page is a notebook: its code runs, and its outputs are stored in it."""


def copy_of(page: Page) -> str:
    "The address of a page's Markdown copy, from the top of the site."
    return f"{page.href}.md"


def fenced(text: str, language: str = "") -> str:
    "A block of code or of what was printed, in a fence that `text` does not end."
    longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
    fence = "`"*(longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def prose(text: str) -> str:
    "Markdown whose links lead to copies of pages, and which holds no picture itself."
    def changed(part: str) -> str:
        part = re.sub(r"!\[([^\]]*)\]\((?:data|attachment):[^)]*\)", r"*(picture: \1)*", part)
        return re.sub(r"\]\((?![a-z]+:)([^)\s#]+)\.ipynb(?:#[^)\s]*)?\)", r"](\1.html.md)", part)

    return "".join(part if i % 2 else changed(part) for i, part in enumerate(CODE.split(text))).strip()


def joined(text: str | list[str]) -> str:
    "What a notebook stores as one text or as its lines."
    return text if isinstance(text, str) else "".join(text)


def output(out: dict, pictures: Iterator[str], alt: str) -> str:
    "One stored output; '' for what has no words. `pictures` are the addresses of the page's pictures, in their order."
    if out["output_type"] == "stream": return fenced(joined(out["text"]))
    data = out.get("data", {})
    if any(mime in data for mime, _ in PICTURES): return f"![{alt or 'picture'}]({next(pictures)})"
    if "text/markdown" in data: return prose(joined(data["text/markdown"]))
    plain = joined(data.get("text/plain", ""))
    return "" if not plain or plain.startswith("<") else fenced(plain)      # the name of an object says nothing


def cell_parts(cell: dict, pictures: Iterator[str]) -> Iterator[str]:
    "A cell: its prose, or its code and its outputs, less what its directives hide."
    source = joined(cell["source"])
    if cell["cell_type"] == "markdown": yield prose(source)
    if cell["cell_type"] != "code" or not is_shown(source): return
    has = {name: m[1] for name in ("echo", "output", "fig-alt") if (m := directive(source, name))}
    code = without_directives(source)
    if code and has.get("echo") != "false": yield fenced(code, "python")
    if has.get("output") == "false": return
    for out in cell["outputs"]: yield output(out, pictures, has.get("fig-alt", ""))


def markdown_copy(page: Page, pictures: list[str]) -> str:
    "A page as Markdown; `pictures` are the files that its HTML shows, in their order, from the top of the site."
    addresses = iter([page.up + path for path in pictures])
    at = repository()
    said = [f"`inr2vec.{page.module.removesuffix('.__init__')}`"] if page.module else []
    said += [f"{at.package} {at.version}", f"[the page with its figures]({Path(page.href).name})"]
    parts = [f"# {page.title}", f"> {prose(page.about)}" if page.about else "", " · ".join(said)]
    if was_never_run(page): parts.append(without_tags(NOT_RUN))
    for cell in page.nb["cells"]: parts += cell_parts(cell, addresses)
    return "\n\n".join(filter(None, parts)) + "\n"


def groups(tree: list, above: str = "") -> Iterator[tuple[str, list[str]]]:
    "The sections of the sidebar from top to bottom, each with the pages that stand in it."
    if here := [item for item in tree if isinstance(item, str)]: yield above, here
    for item in tree:
        if isinstance(item, str): continue
        section, inside = item
        yield from groups(inside, f"{above}: {section}" if above else section)


def entry(page: Page) -> str:
    "A page in llms.txt: its title as a link, and the line below the title."
    about = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", page.about)
    return f"- [{page.title}]({copy_of(page)})" + (f": {about}" if about else "")


def listing(tree: list, pages: dict[str, Page], title: str, summary: str) -> str:
    "llms.txt: what the project is, and all pages by their sections."
    parts = [f"# {title}", f"> {summary}", INTRODUCTION.format(version=repository().version)]
    for section, names in groups(tree):
        parts += [f"## {section}", "\n".join(entry(pages[name]) for name in names)]
    return "\n\n".join(parts) + "\n"
