"""Names in signatures and tables of parameters: types, classes and functions link to where the site documents them.

What a name means follows from what its page's code defines and imports: a class of another library that is called as
one of ours is no link."""
import ast
import builtins
import html
import re
from collections.abc import Iterator

import api
from checks import bound
from markup import Names, Page

BUILTINS = set(dir(builtins))
Tops = dict[str, list[tuple[str, tuple[str, str]]]]     # name -> the modules that define it, each with page and id

# strings, which stay as they are; names, but neither what follows a dot nor the keywords of a call
NAME = re.compile(r"""'[^']*'|"[^"]*"|(?<![\w.])[A-Za-z_]\w*(?!\w*\s*=[^=])""")


def tops(pages: dict[str, Page]) -> Tops:
    "What all pages define at the top of their modules; commands are no names of the library."
    found: Tops = {}
    for page in pages.values():
        for e in page.every_entry():
            if e.kind == "command" or "." in e.name: continue
            found.setdefault(e.name, []).append((page.module, (page.href, page.id_of(e.name))))
    return found


def statements(page: Page) -> Iterator[ast.stmt]:
    "The statements of what a page exports."
    for i in page.entries:
        try: yield from ast.parse("".join(page.nb["cells"][i]["source"])).body
        except SyntaxError: continue                     # a cell with a magic


def imported(node: ast.stmt) -> Iterator[tuple[str, str, str]]:
    "Of each name that a statement imports: the name, its module, and what it is called there."
    for x in ast.walk(node):
        if isinstance(x, ast.ImportFrom):
            for a in x.names: yield a.asname or a.name, x.module or "", a.name


def meanings(page: Page, found: Tops) -> Names:
    "What names mean in the signatures of a page: what it defines and imports, else the only one of that name."
    known = {name: places[0][1] for name, places in found.items() if len(places) == 1 and name not in BUILTINS}
    for node in statements(page):
        for name in bound(node): known.pop(name, None)
        for name, module, there in imported(node):
            places = [at for of, at in found.get(there, []) if f"inr2vec.{of}.".startswith(f"{module}.")]
            if len(places) == 1: known[name] = places[0]
    own = [e.name for entries in page.entries.values() for e in entries if e.kind != "command"]
    return known | {name: (page.href, page.id_of(name)) for name in own}


class TypeLinks:
    "The links of one page's signatures."

    def __init__(self, page: Page, found: Tops):
        self.page, self.names = page, meanings(page, found)

    def places(self, text: str, entry: api.Entry) -> Iterator[tuple[int, int, str]]:
        "Where a type or a default names something documented: begin, end and address; `entry` is no link to itself."
        itself = (self.page.href, self.page.id_of(entry.name))
        for m in NAME.finditer(text):
            place = self.names.get(m[0])
            if place is None or place == itself: continue
            page, name = place
            way = "" if page == self.page.href else self.page.up + page
            yield m.start(), m.end(), html.escape(f"{way}#{name}", quote=True)

    def code(self, text: str, entry: api.Entry) -> str:
        "A type or a default of `entry` as code; '' for none."
        return f"<code>{insert(html.escape(text), self.places(text, entry))}</code>" if text else ""

    def signature(self, highlighted: str, entry: api.Entry) -> str:
        "The signature of `entry` in its colours, with the links of its types and defaults."
        found = [
            (start + a, start + b, address)
            for start, part in parts(entry)
            for a, b, address in self.places(part, entry)
        ]
        return insert(highlighted, found)


def parts(entry: api.Entry) -> Iterator[tuple[int, str]]:
    "The types, defaults and bases in a signature, each with where it begins."
    text, at = entry.signature, len(entry.name)
    for p in entry.params:
        if p.name == "returns":
            yield text.rindex(f" -> {p.type}") + len(" -> "), p.type
            continue
        at = text.index(p.name, at) + len(p.name)
        for sign, part in ((": ", p.type), (" = " if p.type else "=", p.default)):
            if not part: continue
            yield at + len(sign), part
            at += len(sign) + len(part)
    if not entry.params: yield at, text[at:]


def insert(text: str, links: Iterator[tuple[int, int, str]] | list[tuple[int, int, str]]) -> str:
    "HTML with links from begin to end, counted in the characters that a reader sees; none crosses a tag."
    begins, ends = {}, set()
    for begin, end, address in links:
        begins[begin] = address
        ends.add(end)
    out, at = "", 0
    for piece in re.findall(r"<[^>]+>|&[#\w]+;|[^<&]", text):
        if piece[0] == "<":
            out += piece
            continue
        if at in begins: out += f'<a href="{begins[at]}">'
        out += piece
        at += 1
        if at in ends: out += "</a>"
    return out
