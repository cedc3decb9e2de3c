"""Every internal link, anchor and picture of a built site, and of the Markdown files at the top: what leads nowhere."""
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from search_index import read_index


class Links(HTMLParser):
    "What one page offers (ids) and asks for (links, pictures, styles, scripts)."

    VOID = {
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
        "path",
        "rect",
    }

    def __init__(self, text: str):
        super().__init__()
        self.ids, self.twice, self.asked, self.problems, self.open = set(), set(), [], [], []
        self.feed(text)
        self.close()
        self.problems += [f"the id {i!r} occurs twice" for i in sorted(self.twice)] + [
            f"<{t}> of line {n} is never closed" for t, n in self.open
        ]

    def handle_starttag(self, tag: str, attrs: list) -> None:
        "Note ids, links and pictures, and that a tag is open."
        at = dict(attrs)
        if (i := at.get("id") or (at.get("name") if tag == "a" else None)) is not None:
            (self.twice if i in self.ids else self.ids).add(i)
        self.asked += [(at[k] or "") for k in ("href", "src") if k in at]
        if tag == "img" and not at.get("alt"):
            self.problems.append(f"line {self.getpos()[0]}: a picture without a text for those who do not see it")
        if tag in ("p", "li", "td", "th", "tr", "thead", "tbody"): return         # closed by what follows them
        if tag not in self.VOID: self.open.append((tag, self.getpos()[0]))

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        "A tag that closes itself."
        self.handle_starttag(tag, attrs)
        if self.open and tag not in self.VOID and self.open[-1][0] == tag: self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        "Close a tag, or note that there is nothing to close."
        if tag in self.VOID or tag in ("p", "li", "td", "th", "tr", "thead", "tbody"): return
        if self.open and self.open[-1][0] == tag: self.open.pop()
        else: self.problems.append(f"line {self.getpos()[0]}: </{tag}> closes nothing")


def site_problems(folder: Path) -> dict[str, list[str]]:
    "Page -> what is wrong with it: links that lead nowhere, ids that occur twice, tags that do not close."
    pages = {
        p.relative_to(folder).as_posix(): Links(p.read_text(encoding="utf-8")) for p in sorted(folder.rglob("*.html"))
    }
    found = {}
    for name, page in pages.items():
        found[name] = list(page.problems)
        for url in page.asked:
            parts = urlsplit(url)
            if parts.scheme in ("data", "mailto", "https"): continue
            if parts.scheme or parts.netloc:
                found[name].append(f"{url} is no https address")
                continue
            path = (folder/name).parent/unquote(parts.path) if parts.path else folder/name
            if not path.resolve().is_relative_to(folder.resolve()):
                found[name].append(f"{url} leads out of the site")
                continue
            if not path.is_file():
                found[name].append(f"{url} leads nowhere")
                continue
            target = pages.get(path.resolve().relative_to(folder.resolve()).as_posix())
            if parts.fragment and target and unquote(parts.fragment) not in target.ids:
                found[name].append(f"{url}: there is no such place on the page")
    listed = read_index((folder/"search-index.js").read_text(encoding="utf-8"))
    for title, name, sections in listed:
        if name not in pages:
            found.setdefault("search-index.js", []).append(f"{title!r} leads to {name}, which is not there")
            continue
        lost = [i for _, i, _ in sections if i and i not in pages[name].ids]
        found[name] += [f"the search leads to #{i}, which is not on the page" for i in lost]
    if missing := set(pages) - {name for _, name, _ in listed}:
        found.setdefault("search-index.js", []).append(f"the search does not find {', '.join(sorted(missing))}")
    return found


def markdown_problems(path: Path) -> Iterator[str]:
    "The relative links and pictures of a Markdown file that lead nowhere."
    text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.S)
    for url in re.findall(r"\]\(([^)\s]+)[^)]*\)", text):
        parts = urlsplit(url)
        if not parts.scheme and parts.path and not (path.parent / unquote(parts.path)).exists():
            yield f"{url} leads nowhere"
