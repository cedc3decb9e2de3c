"""The cells of a notebook as HTML: prose, code, stored outputs, and the interface of what is exported."""
import base64
import html
import json
import re
from pathlib import Path

import api
import sidebar
from markup import (Names, Page, code, comment, docstring, highlighted, markdown, only_imports, png_size, unbroken,
                    without_tags)

PICTURES = (("image/png", "png"), ("image/jpeg", "jpg"), ("image/gif", "gif"))


def read_page(name: str) -> Page:
    "The notebook, its title, and what it exports."
    page = Page(name, json.loads((sidebar.NBS/name).read_text(encoding="utf-8")))
    named: dict = {}
    for i, cell in enumerate(page.nb["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and not page.title:
            if m := re.match(r"#\s+(.+?)\n*(?:\n> (.+?))?\n*(?=\n|$)", source):
                page.title, page.about = m[1].strip(), (m[2] or "").strip()
                cell["source"] = source[m.end():]
        if m := re.search(r"^#\|\s*default_exp\s+(\S+)", source, re.M): page.module = m[1]
        if re.search(r"^#\|\s*exports?\b", source, re.M):
            named |= api.options(source)
            page.entries[i] = api.entries(source, named)
    page.title = page.title or Path(name).stem
    page.ids |= {page.id_of(e.name) for e in page.every_entry()}
    return page


def parameters(entry: api.Entry, md) -> str:
    "The table of parameters, if a comment says something about any."
    if not any(p.about for p in entry.params): return ""
    def inline(text: str) -> str:
        return re.sub(r"^<p>|</p>\s*$", "", md(comment(text))) if text else ""

    def cell(text: str) -> str:
        return f"<code>{html.escape(text)}</code>" if text else ""

    def row(p: api.Param) -> str:
        name = "<b>returns</b>" if p.name == "returns" else cell(p.name)
        return f"<tr><td>{name}</td><td>{cell(p.type)}</td><td>{cell(p.default)}</td><td>{inline(p.about)}</td></tr>"

    head = "<thead><tr><th></th><th>type</th><th>default</th><th></th></tr></thead>"
    body = f"<tbody>{''.join(map(row, entry.params))}</tbody>"
    return f'<div class="wide"><table class="params">{head}{body}</table></div>'


def interface(entry: api.Entry, page: Page, md) -> str:
    "One function or class as the reader of an interface wants it."
    name, member = page.id_of(entry.name), "." in entry.name
    page.toc.append((4 if member else 3, name, f"<code>{html.escape(entry.name.split('.')[-1])}</code>"))
    keyword = f'<span class="keyword">{entry.kind}</span> ' if entry.kind != "def" else ""
    link = f'<a class="anchor" href="#{name}" aria-label="link to {html.escape(entry.name)}">#</a>'
    signature = f'<pre class="signature">{link}{keyword}{highlighted(entry.signature)}</pre>'
    members = "".join(interface(e, page, md) for e in entry.members)
    inside = f"{signature}\n{md(docstring(entry.about))}{parameters(entry, md)}{members}"
    return f'<section class="api{" member" if member else ""}" id="{name}">{inside}</section>\n'


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
        return f'<figure><a href="{src}"><img src="{src}" alt="{alt}"{about} decoding="async"></a></figure>'
    return ""


def output(out: dict, page: Page, md, pictures: dict[str, bytes], alt: str = "") -> str:
    """One stored output: pictures before tables before text.

    `alt` tells those who do not see a picture what it shows; else the heading above it does."""
    def text(words: str) -> str: return f'<pre class="output">{html.escape(words.rstrip())}</pre>'

    if out["output_type"] == "stream": return text("".join(out["text"]))
    data = {k: "".join(v) if isinstance(v, list) else v for k, v in out.get("data", {}).items()}
    alt = html.escape(alt or without_tags(page.toc[-1][2] if page.toc else page.title), quote=True)
    if shown := picture(data, page, pictures, alt): return shown
    if "image/svg+xml" in data: return f'<figure role="img" aria-label="{alt}">{data["image/svg+xml"]}</figure>'
    if "text/html" in data: return f'<div class="output wide">{data["text/html"]}</div>'
    if "text/markdown" in data: return f'<div class="output">{md(data["text/markdown"])}</div>'
    return text(data["text/plain"]) if "text/plain" in data else ""


def directive(source: str, name: str) -> re.Match | None:
    "A line `#| name: value` of a cell."
    return re.search(rf"^#\|\s*{name}\b:?\s*[\"']?(.*?)[\"']?\s*$", source, re.M)


def code_cell(cell: dict, entries: list[api.Entry] | None, page: Page, md, pictures: dict[str, bytes]) -> list[str]:
    "A code cell: what it exports, its source, its outputs; less what its directives hide."
    source = "".join(cell["source"])
    if directive(source, "hide") or directive(source, "default_exp"): return []
    shown = re.sub(r"^#\|.*\n?", "", source, flags=re.M).strip("\n")
    parts = [interface(e, page, md) for e in entries or []]
    echo, outputs, alt = (directive(source, name) for name in ("echo", "output", "fig-alt"))
    if shown and entries is not None:
        summary = "imports" if only_imports(shown) else "source"
        parts.append(f'<details class="source"><summary>{summary}</summary>{code(shown)}</details>')
    elif shown and not (echo and echo[1] == "false"): parts.append(code(shown))
    if outputs and outputs[1] == "false": return parts
    return parts + [output(o, page, md, pictures, alt[1] if alt else "") for o in cell["outputs"]]


def body(page: Page, names: Names, modules: dict[str, Page]) -> tuple[str, dict[str, bytes]]:
    "The cells of a page as HTML, and its pictures by path."
    md, pictures = markdown(page, names, modules), {}
    parts = [f'<div class="lead">{md(page.about)}</div>'] if page.about else []
    for i, cell in enumerate(page.nb["cells"]):
        if cell["cell_type"] == "markdown": parts.append(md("".join(cell["source"])))
        elif cell["cell_type"] == "code": parts += code_cell(cell, page.entries.get(i), page, md, pictures)
    return unbroken("\n".join(parts)), pictures
