"""Render the notebooks to the site without Quarto: python docs/build.py [FOLDER]; `make docs` calls it where Quarto is not at hand.

The stored outputs are shown as they are and nothing is run or imported. Exported functions stand with their signature, docstring and parameters, as
nbdev shows them, and their source can be unfolded. Names in backticks link to where they are defined. A page needs no network: formulas are MathML."""
import ast
import base64
import html
import json
import re
import shutil
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import mistune
from latex2mathml.converter import convert
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

import api
import sidebar

HERE, NBS = Path(__file__).resolve().parent, sidebar.NBS
FORMAT = HtmlFormatter(nowrap=True)
LETTERS = {"script": 0x1D49C, "bold": 0x1D400, "double-struck": 0x1D538}           # of Unicode's mathematical alphabets
HOLES = {"script": dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ")), "double-struck": dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ"))}


# -- pieces of text

def slug(text: str) -> str:
    "The id of a heading, as Pandoc makes it."
    return (
        re.sub(r"\s+", "-", re.sub(r"[^\w\s.-]", "", html.unescape(re.sub(r"<[^>]+>", "", text))).strip().lower())
        or "section"
    )


def mathml(tex: str, display: bool = False) -> str:
    "A formula for any browser. Letters of other alphabets become their own characters, since browsers no longer read `mathvariant`."
    def letter(m: re.Match) -> str:
        kind, c = m[1], m[2]
        code = LETTERS[kind] + (ord(c) - 65 if c < "a" else ord(c) - 71)
        return f"<mi>{HOLES.get(kind, {}).get(c, chr(code))}</mi>"

    return re.sub(
        r'<mi mathvariant="(script|bold|double-struck)">([A-Za-z])</mi>',
        letter,
        convert(tex.strip(), display="block" if display else "inline"),
    )


def png_size(content: bytes) -> tuple[int, int] | None:
    "Width and height of a PNG in pixels."
    return struct.unpack(">II", content[16:24]) if content[:8] == b"\x89PNG\r\n\x1a\n" else None


def unbroken(text: str) -> str:
    "Dates, and names with numbers such as shapes69-10, stay on one line in the cells of tables and in lists."
    def whole(x):
        return (
            x if x.startswith("<") else re.sub(r"\b\w+(?:-\d+)+(?:-\w+)*", r'<span class="whole">\g<0></span>', x)
        )
    return re.sub(r"<(td|li)\b.*?</\1>", lambda m: "".join(map(whole, re.split(r"(<[^>]+>)", m[0]))), text, flags=re.S)


def only_imports(source: str) -> bool:
    "Whether a cell does nothing but import."
    try: return all(isinstance(n, ast.Import | ast.ImportFrom) for n in ast.parse(source).body)
    except SyntaxError: return False


def code(source: str, language: str = "python") -> str:
    "Highlighted source."
    try: lexer = get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound: lexer = get_lexer_by_name("text")
    return f'<pre class="code"><code>{highlight(source, lexer, FORMAT).rstrip()}</code></pre>'


@dataclass
class Page:
    "One notebook on its way to a page."
    name: str                                     # its path in nbs/
    nb: dict
    title: str = ""
    about: str = ""                               # the line below the title
    module: str = ""
    entries: dict[int, list[api.Entry]] = field(default_factory=dict)     # of each exported cell
    ids: set[str] = field(default_factory=set)
    toc: list[tuple[int, str, str]] = field(default_factory=list)         # level, id, HTML

    @property
    def href(self) -> str: return self.name.removesuffix(".ipynb") + ".html"

    def anchor(self, text: str) -> str:
        "A new id on this page."
        base, n = slug(text), 1
        while (name := base if n == 1 else f"{base}-{n}") in self.ids: n += 1
        self.ids.add(name)
        return name


def read_page(name: str) -> Page:
    "The notebook, its title, and what it exports."
    page = Page(name, json.loads((NBS/name).read_text(encoding="utf-8")))
    named: dict[str, ast.AST] = {}
    for i, cell in enumerate(page.nb["cells"]):
        source = "".join(cell["source"])
        if (
            cell["cell_type"] == "markdown"
            and not page.title
            and (m := re.match(r"#\s+(.+?)\n*(?:\n> (.+?))?\n*(?=\n|$)", source))
        ):
            page.title, page.about = m[1].strip(), (m[2] or "").strip()
            cell["source"] = source[m.end():]
        if m := re.search(r"^#\|\s*default_exp\s+(\S+)", source, re.M): page.module = m[1]
        if re.search(r"^#\|\s*exports?\b", source, re.M):
            named |= api.options(source)
            page.entries[i] = api.entries(source, named)
    page.title = page.title or Path(name).stem
    page.ids |= {e.name.lower() for found in page.entries.values() for top in found for e in (top, *top.members)}
    return page


class Text(mistune.HTMLRenderer):
    "Markdown of one page to HTML: links between notebooks and to names in backticks, ids for headings, formulas, tables that scroll."
    def __init__(self, page: Page, names: dict[str, tuple[str, str]], modules: dict[str, Page]):
        super().__init__(escape=False)
        self.page, self.names, self.modules, self.quiet = page, names, modules, False
        self.up = "../"*page.name.count("/")

    def codespan(self, text: str) -> str:
        shown, key = f"<code>{mistune.escape(text)}</code>", re.sub(r"\(.*\)$", "", text)
        if key.startswith("inr2vec.") and (m := self.modules.get(key.removeprefix("inr2vec."))):
            return f'<a href="{self.up}{m.href}">{shown}</a>'
        if (to := self.names.get(key)) and not self.quiet:
            return f'<a href="{self.up if to[0] != self.page.href else ""}{to[0] if to[0] != self.page.href else ""}#{to[1]}">{shown}</a>'
        return shown

    def heading(self, text: str, level: int, **attrs) -> str:
        text, level = re.sub(r"</?a\b[^>]*>", "", text), max(level, 2)
        name = self.page.anchor(text)  # the page's title is its only h1
        if level in (2, 3): self.page.toc.append((level, name, text))
        return f'<h{level} id="{name}">{text} <a class="anchor" href="#{name}" aria-label="link to this section">#</a></h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not re.match(r"[a-z]+:|//", url): url = re.sub(r"\.ipynb(?=#|$)", ".html", url)
        return super().link(re.sub(r"</?a\b[^>]*>", "", text), url, title)

    def block_code(self, text: str, info: str | None = None) -> str: return code(text, (info or "text").split()[0])
    def table(self, text: str) -> str: return f'<div class="wide"><table>{text}</table></div>\n'
    def formula(self, text: str) -> str: return mathml(text)
    def display(self, text: str) -> str: return f'<span class="display">{mathml(text, True)}</span>'


def formulas(md: mistune.Markdown) -> None:
    "`$...$` and `$$...$$`, in the middle of a line as well."
    def rule(kind, group):
        return (
            lambda inline, m, state: (state.append_token({"type": kind, "raw": m.group(group)}), m.end())[1]
        )
    md.inline.register("display", r"\$\$(?P<display_text>[\s\S]+?)\$\$", rule("display", "display_text"), before="link")
    md.inline.register(
        "formula",
        r"\$(?!\s)(?P<formula_text>[^$\n](?:[^$]*?[^\s$])?)\$(?!\d)",
        rule("formula", "formula_text"),
        before="link",
    )


def markdown(renderer: Text) -> mistune.Markdown:
    return mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough", "url", formulas])


# -- one page

def parameters(entry: api.Entry, md) -> str:
    "The table of parameters, if a comment says something about any."
    if not any(p.about for p in entry.params): return ""
    def inline(text):
        return re.sub(r"^<p>|</p>\s*$", "", md(text)) if text else ""
    def cell(text):
        return f"<code>{html.escape(text)}</code>" if text else ""
    rows = "".join(
        f"<tr><td>{'<b>returns</b>' if p.name == 'returns' else cell(p.name)}</td><td>{cell(p.type)}</td><td>{cell(p.default)}</td><td>{inline(p.about)}</td></tr>"
        for p in entry.params
    )
    return f'<div class="wide"><table class="params"><thead><tr><th></th><th>type</th><th>default</th><th></th></tr></thead><tbody>{rows}</tbody></table></div>'


def interface(entry: api.Entry, page: Page, md, level: int = 3) -> str:
    "One function or class as the reader of an interface wants it."
    name = entry.name.lower()
    page.toc.append((4 if "." in entry.name else 3, name, f"<code>{html.escape(entry.name.split('.')[-1])}</code>"))
    keyword = f'<span class="keyword">{entry.kind}</span> ' if entry.kind != "def" else ""
    signature = highlight(entry.signature, get_lexer_by_name("python"), FORMAT).rstrip()
    return (
        f'<section class="api{" member" if "." in entry.name else ""}" id="{name}"><pre class="signature"><a class="anchor" href="#{name}" aria-label="link to {html.escape(entry.name)}">#</a>{keyword}{signature}</pre>\n'
        f"{md(entry.about)}{parameters(entry, md)}{''.join(interface(e, page, md, level + 1) for e in entry.members)}</section>\n"
    )


def output(out: dict, page: Page, md, pictures: dict[str, bytes], alt: str = "") -> str:
    "One stored output: pictures before tables before text. `alt` tells those who do not see a picture what it shows; else the heading above it does."
    if out["output_type"] == "stream": return f'<pre class="output">{html.escape("".join(out["text"]).rstrip())}</pre>'
    data = {k: "".join(v) if isinstance(v, list) else v for k, v in out.get("data", {}).items()}
    alt = html.escape(
        alt or html.unescape(re.sub(r"<[^>]+>", "", page.toc[-1][2] if page.toc else page.title)), quote=True
    )
    for mime, ending in (("image/png", "png"), ("image/jpeg", "jpg"), ("image/gif", "gif")):
        if mime in data:
            name = f"figures/{Path(page.href).with_suffix('').as_posix().replace('/', '-')}-{len([n for n in pictures if n.startswith('figures/')])}.{ending}"
            pictures[name] = base64.b64decode(data[mime])
            size, src = png_size(pictures[name]), f'{"../"*page.name.count("/")}{name}'
            about = (
                f' width="{size[0]}" height="{size[1]}" style="--width: {size[0]}px"' if size else ""
            )  # keeps the place free until it is loaded
            return f'<figure><a href="{src}"><img src="{src}" alt="{alt}"{about} decoding="async"></a></figure>'
    if "image/svg+xml" in data: return f'<figure role="img" aria-label="{alt}">{data["image/svg+xml"]}</figure>'
    if "text/html" in data: return f'<div class="output wide">{data["text/html"]}</div>'
    if "text/markdown" in data: return f'<div class="output">{md(data["text/markdown"])}</div>'
    return f'<pre class="output">{html.escape(data["text/plain"].rstrip())}</pre>' if "text/plain" in data else ""


def body(page: Page, names: dict, modules: dict[str, Page]) -> tuple[str, dict[str, bytes]]:
    "The cells of a page as HTML, and its pictures by path."
    renderer = Text(page, names, modules)
    md = markdown(renderer)
    parts, pictures = [], {}
    if page.about: parts.append(f'<div class="lead">{md(page.about)}</div>')
    for i, cell in enumerate(page.nb["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(md(source))
            continue
        if cell["cell_type"] != "code" or re.search(r"^#\|\s*(hide|default_exp)\b", source, re.M): continue
        shown = re.sub(r"^#\|.*\n?", "", source, flags=re.M).strip("\n")
        if i in page.entries:
            parts += [interface(e, page, md) for e in page.entries[i]]
            if shown:
                parts.append(
                    f'<details class="source"><summary>{"imports" if only_imports(shown) else "source"}</summary>{code(shown)}</details>'
                )
        elif shown and not re.search(r"^#\|\s*echo:\s*false", source, re.M): parts.append(code(shown))
        said = re.search(r"^#\|\s*fig-alt:\s*[\"']?(.+?)[\"']?\s*$", source, re.M)
        if not re.search(r"^#\|\s*output:\s*false", source, re.M):
            parts += [output(o, page, md, pictures, said[1] if said else "") for o in cell["outputs"]]
    return unbroken("\n".join(parts)), pictures


# -- the site

def navigation(items: list, here: Page, pages: dict[str, Page]) -> str:
    "The sidebar: sections that open where the reader is."
    out, up = "", "../"*here.name.count("/")
    for item in items:
        if isinstance(item, str):
            p = pages[item]
            out += f'<li><a href="{up}{p.href}"{" aria-current=page" if p is here else ""}>{html.escape("Home" if item == "index.ipynb" else p.title)}</a></li>'
        else:
            inside = here.name in sidebar.pages(item[1])
            out += f"<li><details{' open' if inside else ''}><summary>{html.escape(item[0])}</summary><ul>{navigation(item[1], here, pages)}</ul></details></li>"
    return out


def contents(page: Page) -> str:
    "The table of contents beside a page."
    items = "".join(f'<li class="l{level}"><a href="#{name}">{text}</a></li>' for level, name, text in page.toc)
    return f'<nav class="toc" aria-label="on this page"><p>On this page</p><ul>{items}</ul></nav>' if items else ""


def build(out: Path) -> list[Page]:
    "Write the site to `out`, replacing what is there."
    order, tree = sidebar.pages(), sidebar.tree()
    pages = {n: read_page(n) for n in order}
    modules = {p.module: p for p in pages.values() if p.module}
    names: dict[str, tuple[str, str]] = {}
    for p in pages.values():
        for e in (e for found in p.entries.values() for top in found for e in (top, *top.members)):
            names.setdefault(e.name, (p.href, e.name.lower()))
    if out.exists(): shutil.rmtree(out)
    (out / "figures").mkdir(parents=True)
    (out / "experiments").mkdir()
    (out / "notebooks" / "experiments").mkdir(parents=True)
    template, title, index = (HERE/"page.html").read_text(encoding="utf-8"), sidebar.config()["title"], []
    for i, name in enumerate(order):
        page = pages[name]
        own = {
            e.name: (page.href, e.name.lower())
            for found in page.entries.values()
            for top in found
            for e in (top, *top.members)
        }
        text, pictures = body(page, names | own, modules)
        for path, content in pictures.items(): (out/path).write_bytes(content)
        up = "../"*name.count("/")
        def step(j, word):
            return (
                    f'<a class="{word}" href="{up}{pages[order[j]].href}"><span>{word}</span> {html.escape(pages[order[j]].title)}</a>'
                    if 0 <= j < len(order)
                    else "<span></span>"
                )
        filled = dict(
            title=html.escape(page.title if name == "index.ipynb" else f"{page.title} – {title}"),
            heading=html.escape(page.title),
            site=html.escape(title),
            up=up,
            body=text,
            description=html.escape(page.about or sidebar.config()["description"], quote=True),
            navigation=navigation(tree, page, pages),
            toc=contents(page),
            meta=" · ".join(
                [f"<code>inr2vec.{page.module}</code>"] * bool(page.module)
                + [f'notebook <a href="{up}notebooks/{name}" download>{html.escape(Path(name).name)}</a>']
            ),
            previous=step(i - 1, "previous"),
            next=step(i + 1, "next"),
        )
        (out/page.href).write_text(re.sub(r"\{\{(\w+)\}\}", lambda m: filled[m[1]], template), encoding="utf-8")
        shutil.copy(NBS/name, out/"notebooks"/name)
        def plain(x):
            return html.unescape(re.sub(r"<[^>]+>", "", x))
        index.append([page.title, page.href, page.about, [[plain(t), n] for _, n, t in page.toc]])
    if (NBS/"images").exists(): shutil.copytree(NBS/"images", out/"images")
    (out / "search.js").write_text(
        f"const PAGES = {json.dumps(index, ensure_ascii=False, separators=(',', ':'))};\n"
        + (HERE / "page.js").read_text(encoding="utf-8"),
        encoding="utf-8",
    )

    def colours(style: str) -> str:
        return "".join(
            f"{l}\n" for l in HtmlFormatter(style=style).get_style_defs("pre").splitlines() if l.startswith("pre .")
        )  # not the style's own background

    (out / "style.css").write_text(
        (HERE / "style.css").read_text(encoding="utf-8")
        + f"{colours('friendly')}@media screen and (prefers-color-scheme: dark) {{\n{colours('native')}}}\n",
        encoding="utf-8",
    )
    return list(pages.values())


if __name__ == "__main__":
    if any(a.startswith("-") for a in sys.argv[1:]): sys.exit(__doc__)
    start, where = time.perf_counter(), Path(sys.argv[1] if len(sys.argv) > 1 else sidebar.ROOT/"_docs")
    print(f"{len(build(where))} pages in {where} after {time.perf_counter() - start:.0f} s: open {where/'index.html'}")
