"""Spelling: codespell on what is written by hand, prose and code, and a short list of words of this house."""
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from project import BIN, ROOT, Results, notebooks, relative

# words that tests misspell on purpose, and names
ALLOWED = "caf,limt,mian,experimnts,tabel,fo,te,sdf,occ,nd,ans,fpr,laptpo,rouge"
# what the field says otherwise -> what it says
HOUSE = {
    r"graphics cards?": "GPU",
    r"what mends (it|them)": "what improves it",
    r"hundred thousands of": "hundreds of thousands of",
    r"loss hills?": "loss barrier",
    r"(on|with) a pretended GPU": "on a simulated GPU",
    r"over night": "overnight",
    r"speed ?ups": "speed-ups",
}
WRITTEN = ("*.md", "docs/*.py", "tests/*.py", "benchmarks/*.py", "setup.py", "Makefile", "settings.ini")


def sources(path: Path) -> str:
    "The cells of a notebook as one text, without outputs."
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def texts() -> Iterator[tuple[str, str]]:
    "All that is written by hand: a file's path, and its text."
    for path in notebooks(): yield relative(path), sources(path)
    for pattern in WRITTEN:
        for path in sorted(ROOT.glob(pattern)): yield relative(path), path.read_text(encoding="utf-8")


def house_problems(text: str) -> Iterator[str]:
    "Words that this house does not use."
    for pattern, better in HOUSE.items():
        for m in re.finditer(rf"\b{pattern}\b", text, re.I): yield f"{m[0]!r}: write {better!r}"


def check_spelling() -> Results:
    "codespell and a short list of our own find no misspelt words in what is written by hand"
    problems = []
    with tempfile.TemporaryDirectory() as tmp:
        for name, text in texts():
            target = Path(tmp)/f"{name}.txt"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            if not name.endswith("spelling.py"): problems += [f"{name}: {what}" for what in house_problems(text)]
        cmd = [BIN/"codespell", "--quiet-level", "3", "--ignore-words-list", ALLOWED, tmp]
        found = subprocess.run(list(map(str, cmd)), text=True, capture_output=True).stdout
    problems += [line.removeprefix(f"{tmp}/").replace(".txt:", ", line ", 1) for line in found.splitlines()]
    return {"spelling": problems}
