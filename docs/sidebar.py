"""Which pages the site has and in which order: the sidebar of _quarto.yml, its globs read as Quarto reads them."""
import re
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


def matches(name: str, glob: str) -> bool:
    "Whether Quarto's `auto: glob` finds the page `name` (its path in nbs/): `*`, `**/`, `[]`, `{a,b}`, `@(a|b)` and `!(a|b)` as Deno reads them."
    out, closing, i, glob = "", [], 0, glob.lstrip("/")
    while i < len(glob):
        two, c = glob[i:i + 2], glob[i]
        if glob.startswith("**/", i):
            out += "(?:[^/]*/)*"
            i += 3
            continue
        if two == "@(":
            out += "(?:"
            closing.append(")")
            i += 2
            continue
        if two == "!(":
            out += "(?!"
            closing.append(")[^/]*")
            i += 2
            continue
        if c == "[":
            end = glob.index("]", i)
            out += glob[i : end + 1]
            i = end + 1
            continue
        if c == "{":
            out += "(?:"
            closing.append("}")
        elif c == "}" or (c == ")" and closing): out += closing.pop().replace("}", ")")
        elif c == "," and closing[-1:] == ["}"] or (c == "|" and closing): out += "|"
        else: out += "[^/]*" if c == "*" else "." if c == "?" else re.escape(c)
        i += 1
    return re.fullmatch(out, name) is not None


def tree(items: list | dict | str | None = None) -> list:
    "The sidebar with its globs resolved: names of pages (their paths in nbs/), and (section, tree) pairs; sections without pages are left out."
    items, names = (
        config()["sidebar"]["contents"] if items is None else items,
        [p.relative_to(NBS).as_posix() for p in notebooks()],
    )
    out = []
    for item in [items] if isinstance(items, str | dict) else items:
        if isinstance(item, str): out += [n for n in names if matches(n, item)]
        elif "section" in item: out += [(item["section"], inside)] if (inside := tree(item["contents"])) else []
        else: out += tree(item.get("auto") or item.get("href"))
    return out


def pages(items: list | None = None) -> list[str]:
    "All pages of a `tree` from top to bottom: the order in which a reader turns them."
    return [
        n
        for item in (tree() if items is None else items)
        for n in ([item] if isinstance(item, str) else pages(item[1]))
    ]
