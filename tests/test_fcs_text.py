"""TEXT: delimiters, escapes, encodings, and keys as writers spell them."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tregflow.fcs.text import is_text, merge, parse_text
from tregflow.findings import Finding

# What decides between two readings is how many of the keys that every file has are found.
REQUIRED = b"$PAR|1|$TOT|2|$MODE|L|$BYTEORD|1,2|$DATATYPE|F|$NEXTDATA|0|$P1B|32|$P1E|0,0|$P1R|9|"


def findings(segment: bytes) -> list[tuple[str, str, str]]:
    return [(each.code, each.severity, each.text) for each in parse_text(segment).findings]


def with_required(before: bytes, after: bytes = b"", delimiter: bytes = b"|") -> bytes:
    return delimiter + before + REQUIRED.replace(b"|", delimiter) + after


@pytest.mark.parametrize("delimiter", [b"|", b"\\", b"/", b"#", b"!", b"\x0c", b"*", b".", b"$", b"\x1e"])
def test_any_delimiter(delimiter: bytes) -> None:
    assert parse_text(b"|A|1|B|x y|".replace(b"|", delimiter)).keywords == {"A": "1", "B": "x y"}


def test_plain_text_has_no_findings() -> None:
    assert parse_text(b"|$PAR|1|$P1N|CD3$x|").findings == ()


@pytest.mark.parametrize("padding", [b"   ", b"\r\n", b"\0\0"])
def test_padding_behind_the_last_delimiter(padding: bytes) -> None:
    text = parse_text(b"|$PAR|1|$P1N|Time|" + padding)
    assert text.keywords == {"$PAR": "1", "$P1N": "Time"}
    assert text.findings == ()


def test_a_blank_may_delimit() -> None:
    assert parse_text(b" A 1 B 2 ").keywords == {"A": "1", "B": "2"}


def test_no_final_delimiter() -> None:
    assert parse_text(b"|$PAR|1|$P1N|Time").keywords == {"$PAR": "1", "$P1N": "Time"}
    message = "TEXT does not end with its delimiter: the last value is taken whole"
    assert findings(b"|$PAR|1|$P1N|Time") == [("text-no-final-delimiter", "info", message)]


def test_literal_delimiters() -> None:
    text = parse_text(with_required(b"$P1S|GFP||FITC-A|$P1L|488||10|"))
    assert text.keywords["$P1S"] == "GFP|FITC-A"
    assert text.keywords["$P1L"] == "488|10"
    assert [each.text for each in text.findings] == ["doubled delimiters in TEXT are read as literal delimiters"]


def test_empty_values() -> None:
    text = parse_text(with_required(b"$SYS|| $INST||$FIL|x.fcs|"))
    assert (text.keywords["$SYS"], text.keywords["$INST"], text.keywords["$FIL"]) == ("", "", "x.fcs")
    assert ("text-empty-values", "info", "doubled delimiters in TEXT are read as empty values") in [
        (each.code, each.severity, each.text) for each in text.findings
    ]


def test_an_empty_value_before_a_key_without_dollar() -> None:
    text = parse_text(with_required(b"$P1S||K|v|"))
    assert (text.keywords["$P1S"], text.keywords["K"]) == ("", "v")


def test_an_empty_value_at_the_end() -> None:
    assert parse_text(with_required(b"", b"$P1S||")).keywords["$P1S"] == ""


def test_a_value_without_key_is_dropped() -> None:
    assert parse_text(b"| |1|A|2|").keywords == {"A": "2"}


def test_three_in_a_row_are_a_literal_and_a_separator() -> None:
    text = parse_text(with_required(b"A|x|||B|y|C|p||q|"))
    assert (text.keywords["A"], text.keywords["B"], text.keywords["C"]) == ("x|", "y", "p|q")


def test_two_readings_of_equal_score() -> None:
    # One doubled delimiter speaks for an empty value, the other for a literal one: the standard's rule decides.
    text = parse_text(with_required(b"$P1S||K|v|A|x||y|"))
    assert (text.keywords["$P1S|K"], text.keywords["A"]) == ("v", "x|y")
    assert ("text-delimiters-ambiguous", "review") in [(each.code, each.severity) for each in text.findings]


def test_keys_are_stripped_and_upper_cased() -> None:
    text = parse_text(b"|   $DataType|F|$tot|3|")
    assert text.keywords == {"$DATATYPE": "F", "$TOT": "3"}
    assert text.spelling == {"$DATATYPE": "   $DataType", "$TOT": "$tot"}
    message = "$DATATYPE: blanks around the key were dropped"
    assert [(each.code, each.text) for each in text.findings] == [("text-key-blanks", message)]


def test_odd_number_of_tokens() -> None:
    assert parse_text(b"|A|1|LAST|").keywords == {"A": "1", "LAST": ""}
    message = "TEXT has an odd number of tokens: the last key, 'LAST', gets an empty value"
    assert findings(b"|A|1|LAST|") == [("text-odd-tokens", "warning", message)]


def test_a_key_twice() -> None:
    assert parse_text(b"|$VOL|1|$VOL|2|").keywords == {"$VOL": "1"}
    message = "$VOL: the key is there twice with different values: the first is taken"
    assert findings(b"|$VOL|1|$VOL|2|") == [("text-duplicate-key", "warning", message)]
    assert findings(b"|$VOL|1|$vol|1|") == []


def test_utf8_and_latin1() -> None:
    text = parse_text("|A|Alexa™|".encode() + b"B|CELLQuest\xaa|")
    assert text.keywords == {"A": "Alexa™", "B": "CELLQuestª"}
    assert text.keywords["B"].encode("latin-1") == b"CELLQuest\xaa"
    assert [(each.code, each.text) for each in text.findings] == [
        ("text-not-utf8", "B: the value is not UTF-8 and is read as Latin-1")
    ]


def test_many_keys_are_not_all_listed() -> None:
    (finding,) = parse_text(b"|" + b"".join(b" K%d|1|" % index for index in range(9))).findings
    assert finding.text == "K0, K1, K2, K3, K4 and 4 more: blanks around the key were dropped"


def test_primary_text_wins() -> None:
    primary, supplemental = parse_text(b"|A|1|B|2|"), parse_text(b"*a*9*C*3*", where="supplemental TEXT")
    merged = merge(primary, supplemental)
    assert merged.keywords == {"A": "1", "B": "2", "C": "3"}
    text = "supplemental TEXT has other values for A: those of primary TEXT are taken"
    assert merged.findings == (Finding("stext-conflict", "warning", "supplemental TEXT", text),)


def test_supplemental_text_that_agrees() -> None:
    merged = merge(parse_text(b"|A|1|"), parse_text(b"*a* 1*C*3*"))
    assert (merged.keywords, merged.findings) == ({"A": "1", "C": "3"}, ())


@pytest.mark.parametrize(
    ("segment", "answer"), [(b"/A/1/", True), (b"PK\x03\x04P\x07P", False), (b"/\x03\x04/1/", False), (b"/", False)]
)
def test_what_can_be_text(segment: bytes, answer: bool) -> None:
    assert is_text(segment) is answer


token = st.text(
    st.characters(codec="utf-8", exclude_characters="|", exclude_categories=("Cc", "Zs", "Zl", "Zp")), min_size=1
)


@given(st.dictionaries(token, token, min_size=1))
def test_what_is_joined_comes_apart(pairs: dict[str, str]) -> None:
    assume(len({key.strip().upper() for key in pairs}) == len(pairs))
    segment = "|" + "".join(f"{key}|{value}|" for key, value in pairs.items())
    assert parse_text(segment.encode()).keywords == {key.strip().upper(): value for key, value in pairs.items()}


@given(st.binary(min_size=1, max_size=200))
def test_no_bytes_raise(segment: bytes) -> None:
    assert all(key for key in parse_text(segment).keywords)
    is_text(segment)
