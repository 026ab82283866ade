"""Conditions that are expressions of C: beside what the expression is worth at each place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import ttd
from tests.integration.cli_tools import FIRMWARE
from ttd.api import Run
from ttd.errors import UserError

STEPS = 8_000
CPUS = ("cortex-m3", "rv32", "rv64", "aarch64", "x86-64")
TRUE_SOMETIMES = (
    "points[3].x > points[4].x",
    "points[counter % 12].x < 0",
    "(counter & 1) == (points[1].x & 1)",
    "counter % 3 == 1 || first.flags == 7",
    "!points[5].x",
    "first.flags - counter > 1000",
    "(int8_t)counter < small",
    "*(short *)&points[3] >= points[3].y + 5",
    "(points + 3)->x == list->corners[0].x + 2",
)
OTHERS = (
    "list->next == 0 or 1",
    "list->level != first.level && list != &first",
    "rights == (READ | EXECUTE)",
    "small == -5 && small < (int)counter",
    "text[1] == 'e' and raw[3] == 0x80",
    "&matrix[2][3] - &matrix[0][0] == 11",
    "sizeof(struct point) == 4 && sizeof matrix == 48",
    "list->color == GREEN or list->color != GREEN",
    "((struct point *)points)[2].y == points[2].y",
    "truth && opaque == (void *)matrix",
)


@pytest.fixture(scope="module", params=CPUS)
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    made = ttd.record(
        board="raw",
        cpu=request.param,
        ram="0x100000:1M",
        load=str(FIRMWARE / f"types/types-{request.param}.elf"),
        steps=STEPS,
    )
    with made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("condition", [*TRUE_SOMETIMES, *OTHERS])
def test_it_holds_where_the_expression_is_true(run: Run, condition: str) -> None:
    run.goto("start")
    hits = [hit.place for hit in run.stop_at(watch="counter")][:40]
    run.goto("start")
    found = [hit.place for hit in run.stop_at(watch="counter", when=condition)]
    in_c = condition.replace(" and ", " && ").replace(" or ", " || ")
    wanted = []
    for place in hits:
        run.goto(place)
        if run.value(f"({in_c}) != 0") == "1":
            wanted.append(place)
    assert [place for place in found if place <= hits[-1]] == wanted


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("first.nothing == 1", "has no member nothing"),
        ("list->weight > 1", "is no whole number"),
        ("*anything == 1", "cast it"),
        ("counter ==", "it ends too early"),
        ("nobody == 1", "no symbol and no register 'nobody'"),
        ("nobody->x == 1", "no variable 'nobody'"),
        ("counter ? 1 : 2", "cannot be read"),
    ],
)
def test_what_is_wrong_is_a_sentence(condition: str, told: str) -> None:
    image = FIRMWARE / "types/types-cortex-m3.elf"
    with ttd.record(
        board="raw", cpu="cortex-m3", ram="0x100000:1M", load=str(image), steps=500
    ) as run:
        with pytest.raises(UserError) as error:
            run.stop_at(watch="counter", when=condition)
        assert told in str(error.value) and "\n" not in str(error.value)
