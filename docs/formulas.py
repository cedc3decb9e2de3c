"""Formulas for any browser, as MathML."""
import re
from xml.etree import ElementTree

from latex2mathml.converter import convert

LETTERS = {"script": 0x1D49C, "bold": 0x1D400, "double-struck": 0x1D538}           # of Unicode's mathematical alphabets
SIGN = '<mo form="prefix">&#x02212;</mo>'
HOLES = {"script": dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ")), "double-struck": dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ"))}
SPACE = "http://www.w3.org/1998/Math/MathML"
THIN = {"width": "0.167em"}
TERMS = {f"{{{SPACE}}}{tag}" for tag in ("mi", "mn", "msub", "msup", "msubsup", "mfrac", "msqrt")}
ElementTree.register_namespace("", SPACE)


def is_function(x: ElementTree.Element) -> bool:
    "Whether an element is the name of a function, such as log, or one with an index."
    name = x[0] if x.tag in (f"{{{SPACE}}}msub", f"{{{SPACE}}}msup") else x
    return name.tag == f"{{{SPACE}}}mi" and re.fullmatch("[a-z]{2,}", name.text or "") is not None


def spaced(made: str) -> str:
    "MathML with thin spaces around the name of a function where no bracket follows: b log n."
    root = ElementTree.fromstring(made)
    for row in root.iter(f"{{{SPACE}}}mrow"):
        together = list(zip(row, row[1:]))
        for i, (a, b) in reversed(list(enumerate(together, 1))):
            apart = is_function(a) and b.tag in TERMS or is_function(b) and a.tag in TERMS
            if apart: row.insert(i, ElementTree.Element(f"{{{SPACE}}}mspace", THIN))
    return ElementTree.tostring(root, encoding="unicode")


def mathml(tex: str, display: bool = False) -> str:
    "A formula for any browser. Letters of other alphabets become characters: browsers no longer read `mathvariant`."
    def letter(m: re.Match) -> str:
        kind, c = m[1], m[2]
        code = LETTERS[kind] + (ord(c) - 65 if c < "a" else ord(c) - 71)
        return f"<mi>{HOLES.get(kind, {}).get(c, chr(code))}</mi>"

    made = convert(tex.strip(), display="block" if display else "inline")
    # a minus after a bracket or a comma is a sign, and a bracket with an exponent is a letter to put it on
    made = re.sub(r"(<mo[^>]*>(?:[\[({,=]|&#x0002C;|&#x0003D;)</mo>)<mo>&#x02212;</mo>", rf"\1{SIGN}", made)
    made = re.sub(r'<msup><mo stretchy="false">([\])])</mo>', r"<msup><mi>\1</mi>", made)
    return spaced(re.sub(r'<mi mathvariant="(script|bold|double-struck)">([A-Za-z])</mi>', letter, made))
