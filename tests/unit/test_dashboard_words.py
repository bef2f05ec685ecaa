"""Words, figures and colours of the dashboard."""

from __future__ import annotations

import re
from datetime import date
from itertools import combinations, pairwise
from pathlib import Path
from string import Formatter

import pandas as pd
import pytest
from examples import examples

from dashboard import format as written
from dashboard.charts.theme import LOADS, MOVEMENTS, RAMP, VERDICTS, stage_colours
from dashboard.data import definitions
from dashboard.parts import to_csv
from dashboard.text import LANGUAGES, labels
from orchestration.core.settings import PROJECT_ROOT

DASHBOARD = PROJECT_ROOT / "dashboard"
CODE = [file for file in DASHBOARD.rglob("*.py") if file.name != "definitions.py" or "screens" in file.parts]

KEY = r'(?:\btext\((?:language, )?|\bnothing\(view, |\bempty=|\btitle=)"(\w+)"'


def fields(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name is not None}


def used_keys() -> tuple[set[str], list[str]]:
    """Keys that stand in the code as they are, and patterns for those that are put together there."""
    literal, patterns = set(), []
    for file in CODE:
        source = file.read_text()
        for found in re.finditer(r'(f?)"((?:[^"\\\n]|\\.)*)"', source):
            words = found[2]
            if not found[1] and re.fullmatch(r"\w+", words):
                literal.add(words)
            elif found[1] and re.fullmatch(r"(?:\w|\{[^{}]*\})+", words):
                patterns.append(re.sub(r"\{[^{}]*\}", r"\\w+", words))
    return literal, patterns


def test_every_text_is_there_in_every_language() -> None:
    for key, words in labels().items():
        assert set(words) == set(LANGUAGES), key
        assert all(text.strip() for text in words.values()), key
        assert len({frozenset(fields(text)) for text in words.values()}) == 1, key
    chinese = [key for key, words in labels().items() if not re.search(r"[\u4e00-\u9fff]", words["zh"])]
    assert set(chinese) == {"aipl_page", "fast_page", "gap_interval", "ratio"}


def test_every_text_that_is_asked_for_exists_and_no_other() -> None:
    literal, patterns = used_keys()
    asked = {found for file in CODE for found in re.findall(KEY, file.read_text())}
    assert len(asked) > 100
    assert asked <= set(labels())
    unused = [
        key for key in labels() if key not in literal and not any(re.fullmatch(p, key) for p in patterns)
    ]
    assert unused == []


def test_every_status_of_a_forecast_has_a_text() -> None:
    statuses = re.search(
        r"name: gap_statuses_are_known.*?values: \[(.*?)\]",
        (PROJECT_ROOT / "dbt_project/models/marts/gmv/fct_consumer_gap.yml").read_text(),
        re.DOTALL,
    )
    assert statuses is not None
    assert {f"status_{status}" for status in re.findall(r"\w+", statuses[1])} <= set(labels())


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (written.count(1234567), "1,234,567"),
        (written.count(None), "–"),
        (written.count(pd.NA), "–"),
        (written.percent(0.0624), "6.2%"),
        (written.percent(float("nan")), "–"),
        (written.money(402516.1, "CNY"), "¥402,516"),
        (written.money(-1200, "GBP"), "−£1,200"),
        (written.money(12, "SEK"), "SEK 12"),
        (written.money(None, "CNY"), "–"),
        (written.signed(46), "+46"),
        (written.signed(-1046), "−1,046"),
        (written.signed(0), "±0"),
        (written.signed_percent(-0.062), "−6.2%"),
        (written.signed_percent(-0.0001), "±0.0%"),
        (written.points(-0.0243), "−2.4 pp"),
        (written.points(0.0001), "±0.0 pp"),
        (written.relative(110, 100), 0.1),
        (written.relative(1, 0), None),
        (written.relative(None, 3), None),
        (written.span(date(2024, 2, 1), date(2024, 2, 29)), "2024-02"),
        (written.span(date(2024, 1, 1), date(2024, 1, 7)), "2024-01-01 – 01-07"),
        (written.span(date(2024, 12, 30), date(2025, 1, 5)), "2024-12-30 – 2025-01-05"),
    ],
)
def test_figures_are_written_the_same_everywhere(told: object, expected: object) -> None:
    assert told == expected


# How much red counts, beside green, to who lacks the receptors of one of them.
RED_SHARE = {"protan": 0.11238, "deutan": 0.29275}


def seen(colour: str, kind: str) -> tuple[float, ...]:
    """The colour without red or green receptors, linear (Viénot, Brettel and Mollon, 1999)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    if kind in RED_SHARE:
        red = green = RED_SHARE[kind] * red + (1 - RED_SHARE[kind]) * green
    return red, green, blue


def lightness(colour: str) -> float:
    red, green, blue = seen(colour, "none")
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize("number", [2, 4, 5, 7])
def test_stages_darken_step_by_step(number: int) -> None:
    stages = [f"s{rank}" for rank in range(number)]
    colours = stage_colours(stages)

    assert list(colours) == stages
    assert (colours[stages[0]], colours[stages[-1]]) == (RAMP[0], RAMP[-1])
    steps = [lightness(colour) for colour in colours.values()]
    assert all(a - b > 6 for a, b in pairwise(steps))


@pytest.mark.parametrize("kind", [*RED_SHARE, "none"])
@pytest.mark.parametrize("palette", [MOVEMENTS, VERDICTS, LOADS], ids=["movements", "verdicts", "loads"])
def test_colours_are_told_apart_without_red_or_green(palette: dict[str, str], kind: str) -> None:
    colours = [seen(colour, kind) for colour in palette.values()]
    for one, other in combinations(colours, 2):
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) > 0.06


def test_a_spreadsheet_calculates_nothing_of_a_csv() -> None:
    frame = pd.DataFrame({"channel": ["=1+1", "ads", None, "@x"], "persons": [1, -2, 3, 4]})

    lines = to_csv(frame).decode("utf-8-sig").splitlines()
    assert lines == ["channel,persons", "'=1+1,1", "ads,-2", ",3", "'@x,4"]
    assert frame["channel"].iloc[0] == "=1+1"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("subject", definitions.SUBJECTS)
def test_definitions_are_the_documents_without_their_outputs(subject: str, language: str) -> None:
    document = definitions.document(subject, language)
    found = definitions.parts(document)
    queries = [piece for part in found for kind, piece in part.pieces if kind == "sql"]
    whole = "".join(piece for part in found for kind, piece in part.pieces if kind == "text")

    assert [query + "\n" for query in queries] == [sql for sql, _ in examples(document)]
    assert [part.title for part in found[1:]] == re.findall(r"^## (.*)$", document.read_text(), re.MULTILINE)
    assert "```" not in whole
    assert not re.search(r"\]\(", whole)
    for output in (output for _, output in examples(document)):
        assert output not in whole


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
@pytest.mark.parametrize("subject", definitions.SUBJECTS)
def test_definitions_say_the_same_in_every_language(subject: str, language: str) -> None:
    def named(words: str) -> set[str]:
        return set(re.findall(r"`([^`]+)`", words))

    original, told = (definitions.parts(definitions.document(subject, one)) for one in ("en", language))
    assert len(told) == len(original)
    for ours, theirs in zip(told, original, strict=True):
        assert [kind for kind, _ in ours.pieces] == [kind for kind, _ in theirs.pieces], ours.title
        for (kind, piece), (_, other) in zip(ours.pieces, theirs.pieces, strict=True):
            assert kind == "text" or piece == other
            assert kind == "sql" or named(piece) == named(other), ours.title
            assert kind == "sql" or re.search(r"[\u4e00-\u9fff]", piece), ours.title


def test_nothing_of_the_dashboard_names_a_host() -> None:
    for file in [*DASHBOARD.rglob("*.py"), *DASHBOARD.rglob("*.css"), *DASHBOARD.rglob("*.toml")]:
        assert not re.search(r"https?://(?!www\.w3\.org)", file.read_text()), file
    assert "gatherUsageStats = false" in Path(DASHBOARD / ".streamlit" / "config.toml").read_text()
