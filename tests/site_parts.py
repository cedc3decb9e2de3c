"""Checks of parts of the site that machines and readers follow: links in signatures, and pages as Markdown."""
import json
import re
from collections.abc import Iterator
from pathlib import Path

TYPED = '''
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from inr2vec.data.shapes import Shape
from inr2vec.inrs.siren import SirenSpec as Spec
if TYPE_CHECKING: from elsewhere import Result

class Job:
    "What is to be done."
    before: "Job | None" = None     # the job before
    of: list["Shape"] = ()

def fit(
    shapes: "list[Shape] | None",                             # what is fitted
    specs: dict[str, "Spec | np.Preset"] = Spec(Preset=1),    # and how
    path: Path | None = None,
    kind: Literal["Shape", "Job"] = "Shape",
    found: "Result | None" = None,
    preset: Preset | int = 0,
    fit: bool = False,
) -> "Job": ...
'''
SHAPE, SPEC, PRESET = "../data/shapes.html#shape", "../inrs/siren.html#sirenspec", "../embedding/presets.html#preset"
# what is defined -> the links of its signature, and of its table: their text and address
LINKED = {
    "Job": [("Shape", SHAPE)],
    "fit": [("Shape", SHAPE), ("Spec", SPEC), ("Spec", SPEC), ("Preset", PRESET), ("Job", "#job")],
}


def page_of(name: str, source: str):
    "A page whose only cell exports `source`."
    import api
    from markup import Page
    cell = dict(cell_type="code", source=source, outputs=[], metadata={})
    return Page(f"{name}.ipynb", {"cells": [cell]}, module=name.replace("/", "."), entries={0: api.entries(source)})


def links_in(text: str) -> list[tuple[str, str]]:
    "The links of some HTML, other than those of a signature to itself and to its source: text and address."
    found = re.findall(r'<a href="([^"]+)">(.*?)</a>', text)
    return [(re.sub(r"<[^>]+>", "", shown), address) for address, shown in found]


def link_problems() -> Iterator[str]:
    "Signatures and tables of parameters whose types do not lead to their documentation, or to what they are not."
    import markup
    from interface import interface
    from typelinks import TypeLinks, tops
    other = {"data/shapes": "class Shape: ...", "viz/shapes": "class Shape: ...", "core/files": "class Path: ...",
             "inrs/siren": "class SirenSpec: ...", "embedding/presets": "class Preset: ...\nclass int: ...",
             "report/results": "class Result: ..."}
    pages = {name: page_of(name, source) for name, source in other.items()}
    page = pages["tasks/jobs"] = page_of("tasks/jobs", TYPED)
    types, md = TypeLinks(page, tops(pages)), markup.markdown(page, {}, {})
    for entry in page.every_entry():
        signature, _, rest = interface(entry, page, md, types).partition("</pre>")
        for where, text in (("signature", signature), ("table", rest)):
            if (found := links_in(text)) != LINKED[entry.name]: yield f"the {where} of {entry.name} links {found}"
        if entry.signature not in markup.without_tags(signature): yield f"the signature of {entry.name} is changed"


PICTURE = dict(output_type="display_data", data={"image/png": "AAAA", "text/plain": "<Image>"})
SOUND = dict(output_type="display_data", data={"text/html": "<audio src='data:base64,AA'>", "text/plain": "<Audio>"})
# a cell -> how it stands in a page's copy
COPIED = [
    (dict(cell_type="markdown", source="[a](b.ipynb#c) `[a](b.ipynb)`"), "[a](b.html.md) `[a](b.ipynb)`"),
    (dict(cell_type="markdown", source="![a cat](data:image/png;base64,AAAA)"), "*(picture: a cat)*"),
    (dict(cell_type="code", source="#| fig-alt: a cup\nshow()", outputs=[PICTURE]),
     "```python\nshow()\n```\n\n![a cup](../figures/a.png)"),
    (dict(cell_type="code", source="#| echo: false\nplay()", outputs=[SOUND]), ""),
    (dict(cell_type="code", source="#| hide\nsecret()", outputs=[]), ""),
    (dict(cell_type="code", source="'```'", outputs=[dict(output_type="stream", text=["a\n", "b\n"])]),
     "````python\n'```'\n````\n\n```\na\nb\n```"),
]


def copying_problems() -> Iterator[str]:
    "Cells that do not stand in a page's copy as they should."
    import machines
    for cell, expected in COPIED:
        found = "\n\n".join(filter(None, machines.cell_parts(cell, iter(["../figures/a.png"]))))
        if found != expected: yield f"{cell['source']!r} becomes {found!r}"


# a formula -> how many thin spaces it needs
SPACES = {r"a - b\log n": 2, r"\log(n)": 0, r"\log_2 n": 1, r"2\exp x": 2, r"\frac{a}{\log n}": 1, r"x_i y": 0}


def text_problems() -> Iterator[str]:
    "Formulas whose functions touch their neighbours, and code that is broken where it should not be."
    import interface
    import markup
    from formulas import mathml
    for formula, expected in SPACES.items():
        if (found := mathml(formula).count("<mspace")) != expected: yield f"{formula} has {found} thin spaces"
    shown = markup.markdown(page_of("cli/run", ""), {}, {})("`run --all -q`, `a-b` and `f(-1)`")
    if shown.count('<span class="whole">-') != 3: yield f"options are broken at their hyphens: {shown}"
    signature = interface.breakable(markup.highlighted("Model.fit(x: (int), y) -> None"))
    if signature.count("<wbr>") != 1 or '<span class="o whole">-&gt;' not in signature: yield f"{signature} is broken"


def typed_problems(site: Path) -> Iterator[str]:
    "The built site, whose signatures should link their types, and whose commands lead to what one types."
    text = (site/"embedding"/"70_model.html").read_text(encoding="utf-8")
    signature = re.search(r'<section[^>]* id="inr2vec\.fit">.*?</pre>', text, re.S)[0]
    if ("Shape", "../data/10_shapes.html#shape") not in links_in(signature): yield "Inr2Vec.fit does not link to Shape"
    commands = (site/"cli"/"00_cli.html").read_text(encoding="utf-8")
    there = "reconstruct", "../cli/28_reconstruct.html#reconstruct"
    if there not in links_in(commands): yield "the command reconstruct leads elsewhere"


def copy_problems(site: Path, pages: list) -> Iterator[str]:
    "Pages without a Markdown copy that says what they say, and what llms.txt lacks."
    import links
    import machines
    listed = (site/"llms.txt").read_text(encoding="utf-8")
    if not re.match(r"# \S+\n\n> \S.*\n\n[^#]", listed): yield "llms.txt does not begin with a title and a summary"
    yield from (f"llms.txt: {what}" for what in links.markdown_problems(site/"llms.txt"))
    for page in pages:
        name = machines.copy_of(page)
        entry = rf"^- \[{re.escape(page.title)}\]\({name}\){': .' if page.about else '$'}"
        if not re.search(entry, listed, re.M): yield f"llms.txt does not list {name} with what it is about"
        if not (site/name).is_file():
            yield f"{name} was not written"
            continue
        if f'href="{page.up}{name}"' not in (site/page.href).read_text(encoding="utf-8"):
            yield f"{page.href} has no link to its copy"
        text = (site/name).read_text(encoding="utf-8")
        yield from (f"{name}: {what}" for what in links.markdown_problems(site/name))
        if re.search(r"base64,\w{40}", text) or len(text) > 300_000: yield f"{name} holds a picture"
        for what in left_out(page, text): yield f"{name} lacks {what!r}"


def left_out(page, text: str) -> Iterator[str]:
    "What a page's copy should say and does not: prose, code and printed text that the page shows."
    from cells import is_shown
    for cell in page.nb["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            yield from (line for line in source.splitlines() if "](" not in line and line.strip() not in text)
        elif is_shown(source) and not re.search(r"^#\| (echo|output): false", source, re.M):
            yield from (line for line in source.splitlines() if not line.startswith("#|") and line not in text)
            for out in cell["outputs"]:
                if out["output_type"] == "stream" and "".join(out["text"]).rstrip() not in text:
                    yield json.dumps(out["text"])[:80]
