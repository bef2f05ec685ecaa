"""What is wrong with the rows of the rules is told by file, line and column, all at once."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from orchestration.build.rules import check_rules, rules_hash
from orchestration.core.errors import InputError
from orchestration.core.settings import PROJECT_ROOT

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A dbt project that holds the shipped rules and nothing else."""
    shutil.copytree(SEEDS, tmp_path / "seeds")
    shutil.copy(SEEDS.parent / "dbt_project.yml", tmp_path)
    return tmp_path


def edit(project: Path, seed: str, line: int, *fields: str) -> None:
    """Change fields of the row on a line of a seed, each `name=value`."""
    path = project / "seeds" / f"{seed}.csv"
    with path.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    rows[line - 2].update(field.split("=") for field in fields)
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def problems(project: Path) -> list[str]:
    """What the check says is wrong, a line each."""
    with pytest.raises(InputError) as error:
        check_rules(project)
    return [line.removeprefix("- ") for line in str(error.value).splitlines() if line.startswith("- ")]


@pytest.mark.parametrize(
    ("seed", "line", "field", "told"),
    [
        ("aipl_rules", 2, "touch_kind=telepathy", "not a touch kind of touch_kinds.csv"),
        # dbt keeps the blank, and the rule would meet no touch.
        ("aipl_rules", 2, "touch_kind=ad_impression ", "not a touch kind of touch_kinds.csv"),
        ("aipl_rules", 12, "touch_kind=page_view", "not a state. Known are follower, member, subscriber."),
        ("aipl_rules", 2, "kind=guess", "not a kind of rule. Known are state, touch."),
        ("aipl_rules", 2, "stage=X", "not a stage of preset consumer_asset in aipl_stages.csv"),
        ("aipl_rules", 2, "preset=mine", "it has no stages. Add them to aipl_stages.csv."),
        ("aipl_rules", 2, "window_days=0", "a touch counts for a whole number of days, 1 or more."),
        ("aipl_rules", 2, "window_days=", "a touch counts for a whole number of days, 1 or more."),
        ("aipl_rules", 2, "window_days=two weeks", "a touch counts for a whole number of days"),
        ("aipl_rules", 12, "window_days=15", "has no window: leave it empty."),
        ("aipl_rules", 2, "min_count=0", "a rule needs a whole number of days, 1 or more."),
        ("aipl_rules", 12, "min_count=2", "a state is there or not: write 1."),
        ("aipl_rules", 2, "count_unit=orders", "not a unit to count. Known are days."),
        ("aipl_rules", 2, "min_rating=4", "only a review has a rating: leave it empty."),
        ("aipl_rules", 17, "min_rating=6", "a rating is a whole number from 1 to 5."),
        ("aipl_rules", 3, "rule_id=a_ad_impression", "preset consumer_asset has two rules of this name."),
        ("aipl_rules", 2, "source=hearsay", "not a source. Known are conflict, ours, stated."),
        ("aipl_rules", 2, "confidence=total", "not a confidence. Known are high, low, medium."),
        ("aipl_stages", 4, "rank=1", "stage A of preset consumer_asset has this rank too."),
        ("aipl_stages", 3, "rank=31", "a rank is a whole number from 0 (no relation) to 30."),
        ("aipl_stages", 3, "rank=low", "a rank is a whole number from 0 (no relation) to 30."),
        ("aipl_stages", 3, "stage=O", "preset consumer_asset has it already, on line 2."),
        ("aipl_stages", 2, "rank=7", "it has no stage of rank 0, the one of nobody."),
        ("aipl_stages", 2, "preset=mine", "not a preset of aipl_presets.csv."),
        ("aipl_presets", 2, "refund_policy=never", "not a refund policy. Known are as_known, gross"),
        ("aipl_presets", 3, "preset=consumer_asset", "there are two presets of this name."),
        ("aipl_presets", 2, "source=", "not a source."),
    ],
)
def test_a_bad_field_is_told_with_its_place(
    project: Path, seed: str, line: int, field: str, told: str
) -> None:
    edit(project, seed, line, field)
    found = problems(project)
    assert any(told in problem for problem in found), found
    # A missing stage of rank 0 is a problem of the preset, not of the row that was changed.
    assert "rank 0" in told or any(problem.startswith(f"{seed}.csv, line {line}, ") for problem in found)


def test_all_problems_are_told_at_once(project: Path) -> None:
    edit(project, "aipl_rules", 2, "window_days=0", "touch_kind=telepathy")
    edit(project, "aipl_stages", 3, "rank=2")
    assert len(problems(project)) == 3


def test_a_preset_needs_rules_and_those_to_build_must_exist(project: Path) -> None:
    with (project / "seeds" / "aipl_presets.csv").open("a") as text:
        text.write("mine,gross,Mine,ours\n")
    assert problems(project) == [
        "aipl_presets.csv, line 7, preset 'mine': it has no rules. Add rows to aipl_rules.csv.",
        "aipl_presets.csv, line 7, preset 'mine': it has no stage of rank 0, the one of nobody."
        " Add it to aipl_stages.csv.",
    ]

    (project / "dbt_project.yml").write_text("vars: {aipl_presets: [consumer_asset, yours]}")
    unknown = "dbt_project.yml, aipl_presets: there is no preset 'yours' in aipl_presets.csv."
    assert any(problem.startswith(unknown) for problem in problems(project))


def test_a_missing_column_is_told_before_anything_else(project: Path) -> None:
    path = project / "seeds" / "aipl_rules.csv"
    path.write_text(path.read_text().replace("window_days", "days", 1))
    assert problems(project) == ["aipl_rules.csv lacks the column window_days"]
    path.unlink()
    assert "lacks the columns preset, rule_id" in problems(project)[0]


def test_the_hash_follows_every_row_of_good_rules(project: Path) -> None:
    check_rules(project)
    before = rules_hash(project)
    edit(project, "aipl_rules", 2, "window_days=16")
    check_rules(project)
    assert rules_hash(project) != before
