"""The documentation's pages without Quarto: which notebooks there are, in the order of _quarto.yml's sidebar."""
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
NBS = ROOT/"nbs"


# -- the sidebar

def sidebar() -> list:
    "The sidebar's contents in _quarto.yml."
    return yaml.safe_load((ROOT/"_quarto.yml").read_text(encoding="utf-8"))["website"]["sidebar"]["contents"]


def sidebar_globs(items: list | dict | str | None = None) -> Iterator[str]:
    "The globs and pages of the sidebar, from top to bottom."
    items = sidebar() if items is None else items
    for item in [items] if isinstance(items, str | dict) else items:
        if isinstance(item, str): yield item
        else: yield from sidebar_globs(item.get("auto") or item.get("contents") or item.get("href") or [])


def matches(name: str, glob: str) -> bool:
    "Whether Quarto's `auto: glob` finds the page `name` (its path in nbs/): `*`, `**/`, `[]`, `{a,b}`, `@(a|b)` and `!(a|b)` as Deno reads them."
    out, closing, i, glob = "", [], 0, glob.lstrip("/")
    while i < len(glob):
        two, c = glob[i:i + 2], glob[i]
        if glob.startswith("**/", i): out += "(?:[^/]*/)*"; i += 3; continue
        if two == "@(": out += "(?:"; closing.append(")"); i += 2; continue
        if two == "!(": out += "(?!"; closing.append(")[^/]*"); i += 2; continue
        if c == "[": end = glob.index("]", i); out += glob[i:end + 1]; i = end + 1; continue
        if c == "{": out += "(?:"; closing.append("}")
        elif c == "}" or (c == ")" and closing): out += closing.pop().replace("}", ")")
        elif c == "," and closing[-1:] == ["}"] or (c == "|" and closing): out += "|"
        else: out += "[^/]*" if c == "*" else "." if c == "?" else re.escape(c)
        i += 1
    return re.fullmatch(out, name) is not None
