"""Markdown and code as HTML that needs no network: formulas are MathML, colours are classes."""
import ast
import html
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import mistune
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

import api
from formulas import mathml

FORMAT = HtmlFormatter(nowrap=True)
INTERVAL = r"-?\d[\d.,]* to -?\d[\d.]*|\[-?\d[\d.]*, -?\d[\d.]*\]|\d[\d.]* ± \d[\d.]*"
OPTION = re.compile(r"(?<![^\s(])--?\w[\w-]*")                                        # of a command
TIMES = re.compile(r"(?<=[\w)\]])( ?)\*( ?)(?=[\w(\[])")                            # a product, no emphasis


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
    def href(self) -> str:
        "The page's address from the top of the site."
        return self.name.removesuffix(".ipynb") + ".html"

    @property
    def up(self) -> str:
        "The way from the page to the top of the site."
        return "../"*self.name.count("/")

    @property
    def heading(self) -> str:
        "The title as HTML; what stands in backticks is code."
        return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(self.title))

    @property
    def short_heading(self) -> str:
        "The title in the sidebar: a package's first page is an overview of the section that it opens."
        return "Overview" if self.name.split("/")[-1].startswith("00_") else self.heading

    @property
    def installs(self) -> bool:
        "Whether the notebook installs the package where it runs in Colab."
        first = [c for c in self.nb["cells"] if c["cell_type"] == "code"][:1]
        return any("google.colab" in line for c in first for line in c["source"])

    def id_of(self, name: str) -> str:
        "The id of something that the notebook exports, as Quarto makes it; names alike in small letters get a number."
        alike = [e.name for e in self.every_entry() if e.name.lower() == name.lower()]
        return name.lower() if name == alike[0] else f"{name.lower()}-{alike.index(name) + 1}"

    def every_entry(self) -> list[api.Entry]:
        "All functions, classes and methods that the notebook exports."
        return [e for found in self.entries.values() for top in found for e in (top, *top.members)]

    def anchor(self, text: str) -> str:
        "A new id on this page."
        base, n = slug(text), 1
        while (name := base if n == 1 else f"{base}-{n}") in self.ids: n += 1
        self.ids.add(name)
        return name


def without_tags(text: str) -> str:
    "The text of HTML."
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def slug(text: str) -> str:
    "The id of a heading, as Pandoc makes it."
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s.-]", "", without_tags(text)).strip().lower()) or "section"


def png_size(content: bytes) -> tuple[int, int] | None:
    "Width and height of a PNG in pixels."
    return struct.unpack(">II", content[16:24]) if content[:8] == b"\x89PNG\r\n\x1a\n" else None


def unbroken(text: str) -> str:
    "Dates, names with numbers such as shapes69-10, and intervals stay on one line in cells of tables and in lists."
    def whole(part: str) -> str:
        if part.startswith("<"): return part
        return re.sub(rf"\b\w+(?:-\d+)+(?:-\w+)*|{INTERVAL}", r'<span class="whole">\g<0></span>', part)

    def in_element(m: re.Match) -> str: return "".join(map(whole, re.split(r"(<[^>]+>)", m[0])))

    return re.sub(r"<(td|li)\b.*?</\1>", in_element, text, flags=re.S)


def only_imports(source: str) -> bool:
    "Whether a cell does nothing but import."
    try: return all(isinstance(n, ast.Import | ast.ImportFrom) for n in ast.parse(source).body)
    except SyntaxError: return False


def highlighted(source: str, language: str = "python") -> str:
    "Source with its colours, and nothing around it."
    try: lexer = get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound: lexer = get_lexer_by_name("text")
    return highlight(source, lexer, FORMAT).rstrip()


def code(source: str, language: str = "python", kind: str = "block") -> str:
    "A block of source; what surrounds it has room for a button to copy it."
    return f'<div class="{kind}"><pre class="code"><code>{highlighted(source, language)}</code></pre></div>'


def folded(summary: str, sources: list[str]) -> str:
    "Blocks of source that a reader unfolds."
    return f'<details class="folded"><summary>{summary}</summary>{"".join(map(code, sources))}</details>'


def outside_backticks(change: Callable[[str], str], text: str) -> str:
    "`text` with `change` made to all that is not code."
    return "`".join(part if i % 2 else change(part) for i, part in enumerate(text.split("`")))


def docstring(text: str) -> str:
    "A docstring as Markdown: a product of numbers or shapes stays a product."
    return outside_backticks(lambda part: TIMES.sub(r"\1\\*\2", part), text)


def comment(text: str) -> str:
    "A comment as Markdown: every star is one."
    return outside_backticks(lambda part: part.replace("*", "\\*"), text)


Names = dict[str, tuple[str, str]]       # name -> page and id


class Text(mistune.HTMLRenderer):
    "Markdown of one page: links between notebooks and to names in backticks, ids for headings, tables that scroll."

    def __init__(self, page: Page, names: Names, modules: dict[str, Page]):
        super().__init__(escape=False)
        self.page, self.names, self.modules = page, names, modules

    def codespan(self, text: str) -> str:
        "Code in a line; the name of something public, or of a module, links to where it is defined."
        whole = OPTION.sub(r'<span class="whole">\g<0></span>', mistune.escape(text))
        shown, key = f"<code>{whole}</code>", re.sub(r"\(.*\)$", "", text)
        if key.startswith("inr2vec.") and (m := self.modules.get(key.removeprefix("inr2vec."))):
            return f'<a href="{self.page.up}{m.href}">{shown}</a>'
        if key not in self.names: return shown
        href, name = self.names[key]
        return f'<a href="{"" if href == self.page.href else self.page.up + href}#{name}">{shown}</a>'

    def heading(self, text: str, level: int, **attrs) -> str:
        "A heading with an id and a link to itself; the page's title is its only h1."
        text, level = re.sub(r"</?a\b[^>]*>", "", text), max(level, 2)
        name = self.page.anchor(text)
        if level in (2, 3): self.page.toc.append((level, name, text))
        link = f'<a class="anchor" href="#{name}" aria-label="link to this section">#</a>'
        return f'<h{level} id="{name}">{text} {link}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        "A link; one to a notebook leads to its page."
        if not re.match(r"[a-z]+:|//", url): url = re.sub(r"\.ipynb(?=#|$)", ".html", url)
        return super().link(re.sub(r"</?a\b[^>]*>", "", text), url, title)

    def block_code(self, text: str, info: str | None = None) -> str:
        "A block of code in the language that stands after the fence."
        return code(text, (info or "text").split()[0])

    def table(self, text: str) -> str:
        "A table that scrolls by itself where it is too wide."
        return f'<div class="wide"><table>{text}</table></div>\n'

    def formula(self, text: str) -> str:
        "A formula in a line."
        return mathml(text)

    def display(self, text: str) -> str:
        "A formula on a line of its own."
        return f'<span class="display">{mathml(text, True)}</span>'


def formulas(md: mistune.Markdown) -> None:
    "`$...$` and `$$...$$`, in the middle of a line as well."
    def rule(kind: str, group: str):
        def parse(_, m: re.Match, state) -> int:
            state.append_token({"type": kind, "raw": m.group(group)})
            return m.end()

        return parse

    display = r"\$\$(?P<display_text>[\s\S]+?)\$\$"
    inline = r"\$(?!\s)(?P<formula_text>[^$\n](?:[^$]*?[^\s$])?)\$(?!\d)"
    md.inline.register("display", display, rule("display", "display_text"), before="link")
    md.inline.register("formula", inline, rule("formula", "formula_text"), before="link")


def markdown(page: Page, names: Names, modules: dict[str, Page]) -> mistune.Markdown:
    "What turns the Markdown of a page into HTML."
    plugins = ["table", "strikethrough", "url", formulas]
    return mistune.create_markdown(renderer=Text(page, names, modules), plugins=plugins)


def colours(style: str) -> str:
    "The style sheet of a style of Pygments, without its own background."
    rules = HtmlFormatter(style=style).get_style_defs("pre").splitlines()
    return "".join(f"{rule}\n" for rule in rules if rule.startswith("pre ."))


