"""Citations of the paper: every section, appendix, table and figure that is cited as the paper's exists there."""
import json
import re
from collections.abc import Iterator

from project import NBS, PACKAGE, ROOT, Results, notebooks, relative

EXISTING = {                             # in the paper; those of its figures that its text names
    "Section": {"1", "2", "3", "4", "5"},
    "Appendix": set("ABCDEFGHIJKLMNOP"),
    "Table": {str(i) for i in range(1, 11)},
    "Figure": {str(i) for i in (*range(1, 18), 20, 21, 22, 24, *range(26, 36))},
}
KINDS = {"Sections": "Section", "Appendices": "Appendix", "Tables": "Table", "Figures": "Figure", "Fig.": "Figure",
         "Figs.": "Figure"}
NUMBER = r"(?:[A-Z](?:\.\d+)*(?![\w-])|\d+(?:\.\d+)*)"
LIST = rf"{NUMBER}(?:(?:\s*,\s*|\s+and\s+){NUMBER})*"
CITED = re.compile(rf"\b(Sections?|Appendix|Appendices|Tables?|Figures?|Figs?\.)\s+({LIST})")
OTHERS = re.compile(r"\btheir\s[^);]*")  # what is said of another paper: "(their Figure 3 and Section 3.2)"


def cited(text: str) -> Iterator[tuple[str, str]]:
    "What `text` cites as the paper's: ('Section', '3'), ('Figure', '31')."
    for kind, numbers in CITED.findall(OTHERS.sub(" ", text)):
        for number in re.findall(NUMBER, numbers): yield KINDS.get(kind, kind), number


def wrong(text: str) -> list[str]:
    "The citations in `text` of what the paper does not have."
    return [f"{kind} {number}" for kind, number in cited(text) if number not in EXISTING[kind]]


def texts() -> Iterator[tuple[str, str]]:
    "Paths, and what is written there of the paper: prose, exported cells, stored claims. Cells that test are left out."
    for path in notebooks(NBS):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "markdown" or source.startswith("#| export"): yield relative(path), source
    for path in (*sorted((ROOT/"benchmarks").glob("*.py")), *sorted((PACKAGE/"report").glob("*.json"))):
        yield relative(path), path.read_text(encoding="utf-8")


def check_citations() -> Results:
    "what is cited of the paper exists there"
    assert wrong("(Section 3.1, Figures 4, 20 and 23; Appendix Q)") == ["Section 3.1", "Figure 23", "Appendix Q"]
    assert wrong("(Sections 3 and 4, Table 10, Fig. 31, Appendices B and F)") == []
    assert wrong("its rule (their Figure 3 and Section 3.2), Section 4.1") == ["Section 4.1"]
    found = [(path, what) for path, text in texts() for what in wrong(text)]
    return {"citations": [f"{path}: the paper has no {what}" for path, what in found]}
