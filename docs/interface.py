"""The interface of what a notebook exports as HTML: signature, docstring, parameters, and where the source is."""
import html
import re
from collections.abc import Callable

import api
from markup import Page, comment, docstring, highlighted
from repository import source_of
from typelinks import TypeLinks

Markdown = Callable[[str], str]


def _inline(text: str, md: Markdown) -> str:
    return re.sub(r"^<p>|</p>\s*$", "", md(comment(text))) if text else ""


def _about(entry: api.Entry, md: Markdown) -> str:
    "The docstring; names of parameters in it are no links to functions that are called the same."
    def own(m: re.Match) -> str: return m[1] if m[2] in {p.name for p in entry.params} else m[0]

    return re.sub(r"<a [^>]*>(<code>(\w+)</code>)</a>", own, md(docstring(entry.about)))


def _code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>" if text else ""


def table(kind: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    "A table of parameters; its cells are HTML."
    top = "".join(f"<th>{name}</th>" for name in head)
    inside = "".join(f"<tr>{''.join(f'<td>{x}</td>' for x in row)}</tr>" for row in rows)
    shown = f"<thead><tr>{top}</tr></thead><tbody>{inside}</tbody>"
    return f'<div class="wide"><table class="{kind}">{shown}</table></div>'


def parameters(entry: api.Entry, md: Markdown, types: TypeLinks) -> str:
    "The table of parameters, if a comment says something about any."
    if not any(p.about for p in entry.params): return ""
    def row(p: api.Param) -> tuple[str, ...]:
        name = "<b>returns</b>" if p.name == "returns" else _code(p.name)
        return name, types.code(p.type, entry), types.code(p.default, entry), _inline(p.about, md)

    return table("params", ("", "type", "default", ""), list(map(row, entry.params)))


def options(entry: api.Entry, md: Markdown) -> str:
    "The table of a command's arguments and options."
    def row(p: api.Param) -> tuple[str, ...]:
        return _code(p.shell), _code(p.default), _inline(p.about, md)

    return table("params options", ("", "default", ""), list(map(row, entry.params))) if entry.params else ""


def _links(entry: api.Entry, page: Page, name: str) -> str:
    "Links of a signature: to itself, and to the source in the repository."
    said = html.escape(entry.name)
    here = f'<a class="anchor" href="#{name}" aria-label="link to {said}">#</a>'
    source = source_of(page.module, entry.name)
    there = f'<a class="origin" href="{html.escape(source)}" aria-label="source of {said}">source</a>' if source else ""
    return f'<span class="links">{here}{there}</span>'


def breakable(signature: str) -> str:
    "A signature that may be broken after its first bracket, and whose arrow stays whole."
    first = signature.replace('<span class="p">(</span>', '<span class="p">(</span><wbr>', 1)
    return first.replace('<span class="o">-&gt;</span>', '<span class="o whole">-&gt;</span>')


def interface(entry: api.Entry, page: Page, md: Markdown, types: TypeLinks) -> str:
    "One function, class or command as the reader of an interface wants it."
    name, member, command = page.id_of(entry.name), "." in entry.name, entry.kind == "command"
    title = entry.shell if command else entry.name.split(".")[-1]
    page.toc.append((4 if member else 3, name, f"<code>{html.escape(title)}</code>"))
    keyword = "" if entry.kind in ("def", "command") else f'<span class="keyword">{entry.kind}</span> '
    shown = highlighted(entry.signature, "text" if command else "python")
    if not command: shown = breakable(types.signature(shown, entry))
    signature = f'<pre class="signature">{_links(entry, page, name)}{keyword}{shown}</pre>'
    listed = options(entry, md) if command else parameters(entry, md, types)
    members = "".join(interface(e, page, md, types) for e in entry.members)
    inside = f"{signature}\n{_about(entry, md)}{listed}{members}"
    return f'<section class="api{" member" if member else ""}" id="{name}">{inside}</section>\n'
