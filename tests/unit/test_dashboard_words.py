"""Words, figures and colours of the dashboard."""

from __future__ import annotations

import re
from datetime import date
from itertools import combinations, pairwise, product
from pathlib import Path
from string import Formatter

import numpy as np
import pandas as pd
import pytest
from examples import examples

from dashboard import format as written
from dashboard.charts.axes import axis_of, round_steps
from dashboard.charts.theme import LOADS, MOVEMENTS, RAMP, VERDICTS, stage_colours
from dashboard.data import definitions
from dashboard.parts import to_csv
from dashboard.text import LANGUAGES, labels, retold
from orchestration.core.settings import PROJECT_ROOT

DASHBOARD = PROJECT_ROOT / "dashboard"
# Where the code asks for a text by its key.
KEY = r'(?:\btext\((?:language, )?|\bnothing\(view, |\bempty=|\btitle=)"(\w+)"'


def test_every_text_has_a_key_of_its_own() -> None:
    table = (DASHBOARD / "text" / "labels.yml").read_text(encoding="utf-8")
    keys = re.findall(r"^([^\s#]+):", table, re.MULTILINE)
    assert len(keys) == len(labels()) and len(set(keys)) == len(keys)


def test_every_word_of_a_slice_has_a_text() -> None:
    roles = (PROJECT_ROOT / "dbt_project" / "macros" / "staging" / "roles.sql").read_text()
    for prefix, role in (("page", "page_class"), ("device", "device"), ("reason", "reason_kind")):
        (known,) = re.findall(rf"'{role}': \{{\s*'known': \[(.*?)\]", roles, re.DOTALL)
        words = re.findall(r"'(\w+)'", known)
        assert len(words) > 3 and {f"{prefix}_{word}" for word in words} <= labels().keys()


def test_reasons_of_rejects_are_in_the_language_of_the_page() -> None:
    staging = PROJECT_ROOT / "dbt_project"
    files = [staging / "macros" / "entities.sql"]
    for part in ("models/staging", "macros/staging"):
        files += (staging / part).rglob("*.sql")
    told = {
        reason
        for file in files
        for reason in re.findall(r"[,~] '([a-z][^'(){}]* [^'(){}]*)'(?:, '\w+')?\)", file.read_text())
        if not re.search(" - | then ", reason)
    }
    assert len(told) > 40 and "no order id" in told
    told |= {"amount that is not a number", "paid_at that is missing or does not parse", "time in the future"}
    told |= {"3 fields where 7 are expected", "the byte 0xff is not utf-8", "item 2: no product id"}
    # Some are the end of a sentence that begins with the column.
    for reason in (f"price{one}" if one.startswith(" that ") else one for one in told):
        assert retold("en", reason) == reason
        assert re.search(r"[\u4e00-\u9fff]", retold("zh", reason)), reason
    assert retold("zh", "3 fields where 7 are expected") == "应有 7 个字段，实有 3 个"
    assert retold("zh", "no order id") == "缺少订单号"
    assert retold("zh", "what a shop says of its own") == "what a shop says of its own"


def test_axes_count_by_round_steps() -> None:
    assert round_steps(0, 88_000) == [0, 20_000, 40_000, 60_000, 80_000]
    assert round_steps(-30, 45) == [-40, -20, 0, 20, 40]
    assert round_steps(0, 0) == [0]
    axis = axis_of("money", "CNY", "zh")
    assert axis.scale(88_000)["ticktext"] == ["¥0", "¥2万", "¥4万", "¥6万", "¥8万"]
    assert axis_of("count", language="zh").scale(120_000_000)["ticktext"][-1] == "1亿"
    assert "tickvals" not in axis_of("money", "CNY", "en").scale(88_000)


def test_every_text_that_is_asked_for_is_there_in_every_language() -> None:
    gap = (PROJECT_ROOT / "dbt_project/models/marts/gmv/fct_consumer_gap.yml").read_text()
    (statuses,) = re.findall(r"name: gap_statuses_are_known.*?values: \[(.*?)\]", gap, re.DOTALL)
    asked = {key for file in DASHBOARD.rglob("*.py") for key in re.findall(KEY, file.read_text())}
    assert len(asked) > 100
    assert asked | {f"status_{status}" for status in re.findall(r"\w+", statuses)} <= labels().keys()
    for key, words in labels().items():
        assert set(words) == set(LANGUAGES), key
        assert all(text.strip() for text in words.values()), key
        one, other = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in words.values())
        assert one == other, key
    chinese = [key for key, words in labels().items() if not re.search(r"[\u4e00-\u9fff]", words["zh"])]
    assert set(chinese) == {"aipl_page", "fast_page", "gap_interval", "ratio"}


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
        (written.money(-402516.1, "CNY", "zh"), "−¥40.3万"),
        (written.money(9999.4, "CNY", "zh"), "¥9999"),
        (written.figure(288.4, "seconds"), "288 s"),
        (written.figure(9.954, "number"), "9.95"),
        (written.is_notable(100.9, 100), False),
        (written.is_notable(99, 100), True),
        (written.is_notable(1, 0), True),
        (written.is_notable(0, 0), False),
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


@pytest.mark.parametrize("number", [2, 4, 5, 7])
def test_stages_darken_step_by_step(number: int) -> None:
    colours = stage_colours([f"s{rank}" for rank in range(number)])
    assert list(colours) == [f"s{rank}" for rank in range(number)]
    shades = list(colours.values())
    assert (shades[0], shades[-1]) == (RAMP[0], RAMP[-1])
    luminances = [np.dot(seen(shade, "none"), (0.2126, 0.7152, 0.0722)) for shade in shades]
    # As WCAG counts contrast.
    assert all((light + 0.05) / (dark + 0.05) > 1.2 for light, dark in pairwise(luminances))


@pytest.mark.parametrize("kind", [*RED_SHARE, "none"])
@pytest.mark.parametrize("number", [3, 4, 5])
def test_a_movement_is_never_taken_for_a_stage(kind: str, number: int) -> None:
    stages = stage_colours([f"s{rank}" for rank in range(number)]).values()
    for one, other in product(stages, MOVEMENTS.values()):
        assert max(abs(a - b) for a, b in zip(seen(one, kind), seen(other, kind), strict=True)) > 0.06


@pytest.mark.parametrize("kind", [*RED_SHARE, "none"])
@pytest.mark.parametrize("palette", [MOVEMENTS, VERDICTS, LOADS], ids=["movements", "verdicts", "loads"])
def test_colours_are_told_apart_without_red_or_green(palette: dict[str, str], kind: str) -> None:
    colours = [seen(colour, kind) for colour in palette.values()]
    for one, other in combinations(colours, 2):
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) > 0.06


def test_a_spreadsheet_calculates_nothing_of_a_csv() -> None:
    frame = pd.DataFrame({"channel": ["=1+1", "ads", None, "@x"], "persons": [1, -2, 3, 4]})

    lines = to_csv(frame, "Channels | Lumen").decode("utf-8-sig").splitlines()
    assert lines == ["# Channels | Lumen", "channel,persons", "'=1+1,1", "ads,-2", ",3", "'@x,4"]
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


@pytest.mark.parametrize("subject", definitions.SUBJECTS)
def test_definitions_say_the_same_in_both_languages(subject: str) -> None:
    def named(words: str) -> set[str]:
        return set(re.findall(r"`([^`]+)`", words))

    pieces, others = (
        [piece for part in definitions.parts(definitions.document(subject, one)) for piece in part.pieces]
        for one in ("zh", "en")
    )
    for (kind, piece), (of_other, other) in zip(pieces, others, strict=True):
        assert kind == of_other
        if kind == "sql":
            assert piece == other
        else:
            assert named(piece) == named(other) and re.search(r"[\u4e00-\u9fff]", piece)


def test_nothing_of_the_dashboard_names_a_host() -> None:
    for file in [*DASHBOARD.rglob("*.py"), *DASHBOARD.rglob("*.css"), *DASHBOARD.rglob("*.toml")]:
        assert not re.search(r"https?://(?!www\.w3\.org)", file.read_text()), file
    assert "gatherUsageStats = false" in Path(DASHBOARD / ".streamlit" / "config.toml").read_text()
