"""What the search looks in: the text of every section of every page, in one script that a page loads on first use."""
import json
import re
from html.parser import HTMLParser

from markup import Page, without_tags

# what nobody searches for: code of examples and folded code, links of signatures; and colours, for speed
LEFT_OUT = re.compile(
    r'<details class="folded">.*?</details>|<div class="block cell">.*?</div>|<pre class="output printed[^>]*>.*?</pre>'
    r'|<table class="params.*?</thead>|<script.*?</script>|<style.*?</style>|<span class="links">.*?</span>'
    r'|<a class="anchor".*?</a>|</?span[^>]*>',
    re.S,
)
APART = {"p", "li", "td", "th", "tr", "pre", "div", "section", "figure", "h2", "h3", "h4"}    # their words do not touch
BEGIN, END = "const SECTIONS = ", ";\n"


class Sections(HTMLParser):
    "The text of a page by the section that it stands in: (id, words), the first without an id."

    def __init__(self, text: str, ids: set[str]):
        super().__init__()
        self.ids, self.found = ids, [("", [])]
        self.feed(LEFT_OUT.sub("", text))
        self.close()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        "Begin a new section where there is an id of one."
        if tag in APART: self.found[-1][1].append(" ")
        if (name := dict(attrs).get("id")) in self.ids: self.found.append((name, []))

    def handle_data(self, data: str) -> None:
        "Words of the present section."
        self.found[-1][1].append(data)


def sections(page: Page, text: str) -> list[tuple[str, str, str]]:
    "Heading, id and words of each section of a page; the first has no heading."
    headings = {name: without_tags(html) for _, name, html in page.toc}
    found = []
    for name, words in Sections(text, set(headings)).found:
        said, heading = " ".join("".join(words).split()), headings.get(name, "")
        if heading or said: found.append((heading, name, said.removeprefix(heading).strip()))
    return found


def index_script(texts: list[tuple[Page, str]]) -> str:
    "The script: [title, address, [[heading, id, words], ...]] of each page."
    index = [[page.title, page.href, sections(page, text)] for page, text in texts]
    return f"{BEGIN}{json.dumps(index, ensure_ascii=False, separators=(',', ':'))}{END}"


def read_index(script: str) -> list:
    "What `index_script` wrote."
    return json.loads(script.removeprefix(BEGIN).removesuffix(END))
