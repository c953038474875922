"""YAML that people write: values as they mean them, lines, near misses, hostile files, and the way back to text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, field_validator

from tregflow._yaml import MAX_BYTES, Document, check_model, dump, parse, read_text, suggest
from tregflow.errors import StudyError

if TYPE_CHECKING:
    from pathlib import Path


class Point(BaseModel):
    model_config = ConfigDict(extra="forbid")
    x: Annotated[float, Field(strict=True)]
    label: Annotated[str, Field(strict=True)] = ""


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(strict=True)]
    inside: str | None = Field(default=None, alias="in")
    points: tuple[Point, ...] = ()
    named: dict[str, Point] = Field(default_factory=dict)

    @field_validator("points")
    @classmethod
    def _has_points(cls, points: tuple[Point, ...]) -> tuple[Point, ...]:
        if len(points) == 1:
            message = "one point is no line"
            raise ValueError(message)
        return points


def parsed(text: str) -> Document:
    return parse(text, "a.yaml", StudyError, "E_TEST")


def value(text: str) -> Any:
    return parsed(f"key: {text}\n").data["key"]


def refusal(text: str) -> str:
    with pytest.raises(StudyError) as caught:
        parsed(text)
    assert caught.value.code == "E_TEST"
    assert caught.value.file == "a.yaml"
    return str(caught.value)


def faults(text: str) -> str:
    """Return the message about a text that does not fit `Model`."""
    document = parsed(text)
    assert check_model(Model, document, document.data) is None
    with pytest.raises(StudyError) as caught:
        document.stop_on_faults(StudyError, "E_TEST")
    return str(caught.value)


# --------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1e5", 100_000.0),
        ("1E5", 100_000.0),
        ("5e-1", 0.5),
        ("-1.5e3", -1500.0),
        ("012", 12),
        ("0o14", 12),
        ("no", "no"),
        ("No", "No"),
        ("on", "on"),
        ("y", "y"),
        ("true", True),
        ("1:30", "1:30"),
        ("null", None),
        ("~", None),
        ("", None),
        ("'1e5'", "1e5"),
        ("CD4+", "CD4+"),
        ("CD25hi/CD127lo", "CD25hi/CD127lo"),
        ("2026-05-04", "2026-05-04"),
        ("µL γδ ≥", "µL γδ ≥"),
        (".inf", math.inf),
        ("[1, 2.5, x]", [1, 2.5, "x"]),
        ("{a: {b: [null]}}", {"a": {"b": [None]}}),
    ],
)
def test_a_value_is_what_a_person_means(text: str, meant: object) -> None:
    found = value(text)
    assert found == meant
    assert type(found) is type(meant)


def test_data_are_plain_python_all_the_way_down() -> None:
    data = parsed("a: {b: [1, 1e5, 'x', 0x1F]}\n").data
    assert [type(item) for item in data["a"]["b"]] == [int, float, str, int]
    assert type(data["a"]) is dict
    assert type(data["a"]["b"]) is list


def test_anchors_give_copies_not_shared_lists() -> None:
    data = parsed("a: &p [[1, 2]]\nb: *p\nc: {<<: {x: 1}, y: 2}\n").data
    assert data == {"a": [[1, 2]], "b": [[1, 2]], "c": {"x": 1, "y": 2}}
    data["b"][0][0] = 9
    assert data["a"] == [[1, 2]]


# ---------------------------------------------------------------------------------------------------------- lines


def test_each_key_knows_its_line() -> None:
    document = parsed(
        "# comment\ntregflow: 1\n\ngates:\n  A: {in: B,\n      above: {CD4: 5}}\n  'B / C': [1,\n    2]\n"
    )
    lines = {
        (): 1,
        ("tregflow",): 2,
        ("gates",): 4,
        ("gates", "A"): 5,
        ("gates", "A", "in"): 5,
        ("gates", "A", "above"): 6,
        ("gates", "A", "above", "CD4"): 6,
        ("gates", "B / C"): 7,
        ("gates", "B / C", 0): 7,
        ("gates", "B / C", 1): 8,
        ("gates", "A", "below"): 5,  # not there: its nearest ancestor
        ("gates", "Z", "above", 3): 4,
        ("report",): 1,
    }
    assert {where: document.line(where) for where in lines} == lines


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: 1e5\r\n")
    assert read_text(path, StudyError, "E_TEST") == "a: 1\nb:\n  c: 1e5\n"
    document = parsed(read_text(path, StudyError, "E_TEST"))
    assert document.data == {"a": 1, "b": {"c": 100_000.0}}
    assert document.line(("b", "c")) == 3


# --------------------------------------------------------------------------------------------------------- faults


def test_all_faults_come_at_once_in_the_order_of_the_file() -> None:
    assert faults("nane: x\npoints:\n  - {x: '1'}\n  - {y: 2}\nnamed:\n  a: 5\n  b: {x: 1, lable: q}\n") == (
        "a.yaml: 7 faults\n"
        "  line 1    name: this key is required\n"
        "  line 1    nane: unknown key; did you mean 'name'?; allowed: name, in, points, named\n"
        "  line 3    points.0.x: input should be a valid number (there is '1')\n"
        "  line 4    points.1.x: this key is required\n"
        "  line 4    points.1.y: unknown key; allowed: x, label\n"
        "  line 6    named.a: expected keys and values (there is 5)\n"
        "  line 7    named.b.lable: unknown key; did you mean 'label'?; allowed: x, label\n"
        "  remedy     correct the lines named above"
    )


def test_one_fault_is_one_fault() -> None:
    assert faults("name: x\npoints: [{x: 1}]\n") == (
        "a.yaml: 1 fault\n  line 2    points: one point is no line\n  remedy     correct the lines named above"
    )


def test_a_key_goes_by_its_alias() -> None:
    assert faults("name: x\ninside: y\n") == (
        "a.yaml: 1 fault\n"
        "  line 2    inside: unknown key; allowed: name, in, points, named\n"
        "  remedy     correct the lines named above"
    )


def test_values_of_another_type_are_shown_and_long_ones_cut() -> None:
    assert faults(f"name: [{', '.join('1' * 40)}]\npoints: 5\n") == (
        "a.yaml: 2 faults\n"
        f"  line 1    name: expected a text (there is {str([1] * 40)[:57]}...)\n"
        "  line 2    points: expected a list (there is 5)\n"
        "  remedy     correct the lines named above"
    )


@pytest.mark.parametrize("key", ["<fmo>", "<abc>"])
def test_a_key_like_the_label_of_a_union_is_a_key(key: str) -> None:
    assert faults(f"name: x\n{key}: 1\nnamed:\n  {key}: {{x: 1, {key}: 2}}\n") == (
        "a.yaml: 2 faults\n"
        f"  line 2    {key}: unknown key; allowed: name, in, points, named\n"
        f"  line 4    named.{key}.{key}: unknown key; allowed: x, label\n"
        "  remedy     correct the lines named above"
    )


@pytest.mark.parametrize(("key", "shown"), [("12", "12"), ("true", "True"), ("~", "None"), ("1e5", "100000.0")])
def test_a_key_that_is_no_text_is_a_fault(key: str, shown: str) -> None:
    document = parsed(f"name: x\nnamed:\n  {key}: {{x: 1}}\n")
    assert document.data["named"] == {shown: {"x": 1}}
    with pytest.raises(StudyError) as caught:
        document.stop_on_faults(StudyError, "E_TEST")
    assert str(caught.value) == (
        "a.yaml: 1 fault\n"
        f"  line 3    named.{shown}: a key is no text: put it in quotes\n"
        "  remedy     correct the lines named above"
    )


def test_keys_that_are_lists_or_mappings_are_faults_too() -> None:
    document = parsed("a:\n  ? [x, y]\n  : 1\n  ? {x: y}\n  : 2\n")
    assert [fault.text for fault in document.faults] == ["a key is no text: put it in quotes"] * 2


def test_a_fault_is_noted_once_and_a_remedy_may_be_given() -> None:
    document = parsed("name: x\n")
    document.fault(("name",), "is too short")
    document.fault(("name",), "is too short")
    with pytest.raises(StudyError) as caught:
        document.stop_on_faults(StudyError, "E_TEST", "take a longer one")
    assert str(caught.value) == "a.yaml: 1 fault\n  line 1    name: is too short\n  remedy     take a longer one"


def test_a_file_without_faults_goes_on() -> None:
    document = parsed("name: x\nin: y\npoints: [{x: 1}, {x: 2}]\n")
    model = check_model(Model, document, document.data)
    document.stop_on_faults(StudyError, "E_TEST")
    assert model is not None
    assert (model.name, model.inside, [point.x for point in model.points]) == ("x", "y", [1.0, 2.0])


# ------------------------------------------------------------------------------------------------------ no YAML


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n- b\n", "hello\n", "5\n", "--- \n"])
def test_a_text_that_is_no_mapping_is_refused(text: str) -> None:
    assert refusal(text) == "a.yaml: holds no keys\n  expected   a YAML mapping (key: value lines)"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nname: b: c\n", "line 2: mapping values are not allowed here"),
        ("a: 1\nb: [1, 2\nc: 3\n", "line 3: expected ',' or ']', but got ':'"),
        ("a:\n\tb: 1\n", "line 2: found character '\\t' that cannot start any token"),
        ("a: *b\n", "line 1: found undefined alias 'b'"),
        ("a: 'x\n", "line 2: found unexpected end of stream"),
        ("a: 1\n---\nb: 2\n", "line 2: but found another document"),
        ("a: 1\nb:\n  c: 1\n  c: 2\n", 'line 4: found duplicate key "c" with value "2" (original value: "1")'),
    ],
)
def test_a_slip_of_syntax_names_its_line(text: str, problem: str) -> None:
    assert refusal(text) == (
        f"a.yaml: {problem}\n  expected   YAML 1.2\n  remedy     correct the line; text with : or # in it needs quotes"
    )


def test_another_version_of_yaml_is_refused() -> None:
    """By 1.1, which a directive can ask for, 012 is ten and no is false."""
    assert refusal("%YAML 1.1\n---\na: 012\n") == (
        "a.yaml: %YAML states another version\n  expected   YAML 1.2\n  remedy     delete the line"
    )
    assert parsed("%YAML 1.2\n---\na: 012\nb: no\n").data == {"a": 12, "b": "no"}


def test_control_characters_are_refused() -> None:
    assert refusal("a: \x00\n").startswith("a.yaml: not readable as YAML: unacceptable character #x0000")


def test_nothing_in_a_file_is_run(tmp_path: Path) -> None:
    target = tmp_path / "made"
    document = parsed(f"a: !!python/object/apply:pathlib.Path.touch ['{target}']\nb: !!python/name:os.system ''\n")
    assert not target.exists()
    assert not callable(document.data["b"])


# -------------------------------------------------------------------------------------------------------- hostile


def test_nested_too_deep() -> None:
    for text in ("a: " + "[" * 1000, "a: " + "{b: " * 1000, "a:\n" + "- " * 1000):
        assert refusal(text) == "a.yaml: nested too deeply\n  expected   YAML 1.2"


def test_aliases_of_aliases_are_not_written_out() -> None:
    """Fifty lines that would make 2 ** 50 values; two aliases a line are enough."""
    lines = ["x0: &x0 [a, a]", *(f"x{i}: &x{i} [*x{i - 1}, *x{i - 1}]" for i in range(1, 50))]
    assert refusal("\n".join(lines)) == ("a.yaml: too large with its aliases written out\n  expected   400000 values")
    maps = ["x0: &x0 {a: 1}", *(f"x{i}: &x{i} {{a: *x{i - 1}, b: *x{i - 1}}}" for i in range(1, 50))]
    assert refusal("\n".join(maps)) == "a.yaml: too large with its aliases written out\n  expected   400000 values"


def test_many_honest_aliases_are_no_attack() -> None:
    text = "a: &a [1, 2]\n" + "".join(f"k{i}: *a\n" for i in range(500)) + "globs: ['CD25 *x', '*y', ' *z']\n"
    assert parsed(text).data["k499"] == [1, 2]


def test_an_alias_to_itself_is_refused() -> None:
    assert refusal("&a\nb: *a\n") == "a.yaml: an alias refers to itself\n  expected   a tree"


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(10 * MAX_BYTES)  # a hole: no byte of it is on the disk
    with pytest.raises(StudyError) as caught:
        read_text(path, StudyError, "E_TEST")
    assert str(caught.value) == f"{path}: the file is too large\n  expected   at most 4000000 bytes"
    assert refusal("a" * (MAX_BYTES + 1)) == "a.yaml: the file is too large\n  expected   at most 4000000 bytes"


# ---------------------------------------------------------------------------------------------------------- files


def test_a_missing_file_names_what_lies_beside(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml", "c.csv"):
        (tmp_path / name).touch()
    with pytest.raises(StudyError) as caught:
        read_text(tmp_path / "x.yaml", StudyError, "E_TEST")
    assert str(caught.value) == (
        f"{tmp_path / 'x.yaml'}: no such file\n  available  a.yaml, b.yaml\n  remedy     check the path"
    )
    with pytest.raises(StudyError) as caught:
        read_text(tmp_path / "none" / "x.yaml", StudyError, "E_TEST", "make one")
    assert str(caught.value) == f"{tmp_path / 'none' / 'x.yaml'}: no such file\n  remedy     make one"


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("a: µL\n".encode("latin-1"))
    with pytest.raises(StudyError) as caught:
        read_text(path, StudyError, "E_TEST")
    assert str(caught.value) == (
        f"{path}: byte 3 is not UTF-8\n  expected   text in UTF-8\n  remedy     save the file as UTF-8"
    )


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        read_text(tmp_path, StudyError, "E_TEST")
    assert str(caught.value) == f"{tmp_path}: cannot be read: Is a directory"


# ---------------------------------------------------------------------------------------------------- near misses


@pytest.mark.parametrize(
    ("word", "options", "hint"),
    [
        ("Lymphocites", ["Lymphocytes", "Live"], "; did you mean 'Lymphocytes'?"),
        ("cd4+", ["CD4+", "CD4-"], "; did you mean 'CD4+'?"),
        ("CD4 -", ["CD4+", "CD4-"], "; did you mean 'CD4-'?"),
        ("CD4", ["CD4+", "CD4-"], "; did you mean 'CD4+' or 'CD4-'?"),
        ("CD25_hi", ["CD25hi"], "; did you mean 'CD25hi'?"),
        ("+", ["++", "CD3"], "; did you mean '++'?"),
        ("x", ["CD3"], ""),
        ("CD3", [], ""),
    ],
)
def test_near_misses(word: str, options: list[str], hint: str) -> None:
    """The sign is what tells CD4+ from CD4-: a hint that drops it would lead to the other population."""
    assert suggest(word, options) == hint


# ----------------------------------------------------------------------------------------------------- and back

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20) | st.sampled_from(
    [
        *(
            "%",
            "@",
            "`",
            "?",
            ":",
            "=",
            "|",
            ">",
            "'",
            '"',
            "\\",
            "{",
            "~",
            " ",
            "",
            "a" * 200,
            "a\nb",
            " a",
            "a ",
            "a, b",
        ),
        *("no", "yes", "1e5", "012", "null", ".inf", "0x1F", "2026-05-04", "CD4+", "- a", "a: b", "#x", "a #b", "*a"),
        *("&a", "!a", "[a]", "? a", "?L2", ":x", "<<"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)


@given(st.dictionaries(TEXTS, TREES, min_size=1, max_size=5))
def test_what_is_dumped_is_read_back(data: dict[str, Any]) -> None:
    back = parsed(dump(data)).data
    assert back == data
    assert repr(back) == repr(data)  # 1 and 1.0, 0.0 and -0.0, True and 1 are equal and not the same


def test_a_dump_is_made_for_people() -> None:
    data = {"name": "x", "gates": {"A": {"in": "B", "points": [[5e4, 1], [0.1, None]]}}, "mfi": {"T": ["CD25"]}}
    assert dump(data) == ("name: x\ngates:\n  A: {in: B, points: [[50000.0, 1], [0.1, null]]}\nmfi:\n  T: [CD25]\n")
