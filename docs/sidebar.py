"""Which pages the site has and in which order: the sidebar of _quarto.yml, its globs read as Quarto reads them.

The experiments stand there by their kind, which each declares itself: `python docs/sidebar.py` writes that part."""
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT/"nbs"


def notebooks(folder: Path = NBS) -> list[Path]:
    "The project's notebooks below `folder`, in the order of their names."
    return sorted(
        p for p in folder.rglob("*.ipynb") if not any(part[0] in "._" for part in p.relative_to(folder).parts)
    )


def config() -> dict:
    "What _quarto.yml says about the website."
    return yaml.safe_load((ROOT/"_quarto.yml").read_text(encoding="utf-8"))["website"]


def sidebar_globs(items: list | dict | str | None = None) -> Iterator[str]:
    "The globs and pages of the sidebar, from top to bottom."
    items = config()["sidebar"]["contents"] if items is None else items
    for item in [items] if isinstance(items, str | dict) else items:
        if isinstance(item, str): yield item
        else: yield from sidebar_globs(item.get("auto") or item.get("contents") or item.get("href") or [])


OPENING = {"@(": ("(?:", ")"), "!(": ("(?!", ")[^/]*")}       # of groups: what they begin and end with


def as_regex(glob: str) -> str:
    "A glob as Deno reads it, as a regular expression: `*`, `**/`, `[]`, `{a,b}`, `@(a|b)` and `!(a|b)`."
    out, closing, i = "", [], 0
    while i < len(glob):
        two, c = glob[i:i + 2], glob[i]
        if glob.startswith("**/", i):
            out += "(?:[^/]*/)*"
            i += 3
        elif two in OPENING:
            begin, end = OPENING[two]
            out += begin
            closing.append(end)
            i += 2
        elif c == "[":
            end = glob.index("]", i)
            out += glob[i:end + 1]
            i = end + 1
        else:
            if c == "{":
                out += "(?:"
                closing.append("}")
            elif c == "}" or c == ")" and closing: out += closing.pop().replace("}", ")")
            elif c == "," and closing[-1:] == ["}"] or c == "|" and closing: out += "|"
            else: out += {"*": "[^/]*", "?": "."}.get(c) or re.escape(c)
            i += 1
    return out


def matches(name: str, glob: str) -> bool:
    "Whether Quarto's `auto: glob` finds the page `name` (its path in nbs/)."
    return re.fullmatch(as_regex(glob.lstrip("/")), name) is not None


def tree(items: list | dict | str | None = None) -> list:
    """The sidebar with its globs resolved: names of pages (their paths in nbs/), and (section, tree) pairs.

    Sections without pages are left out."""
    if items is None: items = config()["sidebar"]["contents"]
    names, out = [p.relative_to(NBS).as_posix() for p in notebooks()], []
    for item in [items] if isinstance(items, str | dict) else items:
        if isinstance(item, str): out += [n for n in names if matches(n, item)]
        elif "section" not in item: out += tree(item.get("auto") or item.get("href"))
        elif inside := tree(item["contents"]): out.append((item["section"], inside))
    return out


def pages(items: list | None = None) -> list[str]:
    "All pages of a `tree` from top to bottom: the order in which a reader turns them."
    found = []
    for item in tree() if items is None else items:
        if isinstance(item, str): found.append(item)
        else: found += pages(item[1])
    return found


BEGIN = "      # experiments by kind, as they declare it: written by docs/sidebar.py\n"
END = "      # end of experiments\n"


def experiments_part() -> str:
    "The part of _quarto.yml that lists the experiments by kind, from the catalogue."
    sys.path.insert(0, str(ROOT))
    from inr2vec.experiments.catalogue import KIND_TITLES, experiments_in
    found = experiments_in(NBS/"experiments")
    lines = ["      - section: Experiments", "        contents:"]
    for kind, title in KIND_TITLES.items():
        names = [e.name for e in found.values() if e.kind == kind]
        if not names: continue
        lines += [f"          - section: {title}", "            contents:"]
        lines += [f"              - experiments/{name}.ipynb" for name in names]
    return "\n".join(lines) + "\n"


def with_experiments(text: str) -> str:
    "The text of _quarto.yml with the experiments as they are now."
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + experiments_part() + END + after


if __name__ == "__main__":
    path = ROOT/"_quarto.yml"
    path.write_text(with_experiments(path.read_text(encoding="utf-8")), encoding="utf-8")
