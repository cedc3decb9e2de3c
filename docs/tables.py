"""Tables of sentences for narrow screens: each row becomes a card, whose cells say which column they are of."""
import html
import re

from markup import without_tags

TABLE = re.compile(r"<table>(.*?)</table>", re.S)      # with a class, it has a layout of its own
LONG, MANY = 50, 4                                     # letters of a sentence; columns too many for a phone


def _cells(row: str, tag: str) -> list[str]:
    "The texts of a row's cells."
    return [without_tags(cell).strip() for cell in re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", row, re.S)]


def _labelled(row: str, names: list[str]) -> str:
    "A row whose cells carry the names of their columns; cells without a text carry none."
    left = iter(names)
    def cell(m: re.Match) -> str:
        name = next(left, "")
        label = f' data-label="{html.escape(name, quote=True)}"' if without_tags(m[2]).strip() else ""
        return f"<td{m[1]}{label}>{m[2]}</td>"

    return re.sub(r"<td\b([^>]*)>(.*?)</td>", cell, row, flags=re.S)


def _as_cards(m: re.Match) -> str:
    "A table, with what a narrow screen needs to show its rows as cards, if it holds sentences in many columns."
    head, _, body = m[1].partition("</thead>")
    names = _cells(head, "th")
    longest = max(map(len, _cells(body, "td")), default=0)
    if len(names) < MANY or longest < LONG: return m[0]
    rows = re.sub(r"<tr\b.*?</tr>", lambda row: _labelled(row[0], names), body, flags=re.S)
    return f'<table class="cards">{head}</thead>{rows}</table>'


def with_cards(text: str) -> str:
    "The HTML of a page, whose tables of sentences can be shown as cards."
    return TABLE.sub(_as_cards, text)
