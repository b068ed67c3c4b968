"""How often a user is written to about one request: soon for what matters, ever more rarely, whatever happens."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.notification_rules import GATHERED_FOR, Push, gap, next_edit, next_push
from tests.world import START

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def pushes_for(ends: list[tuple[timedelta, bool]]) -> list[timedelta]:
    """Return when a user is written to about orders that end then, well or badly; the last is the request's end."""
    pushes: list[timedelta] = []
    waiting: timedelta | None = None
    for index, (at, is_bad) in enumerate(ends):
        if waiting is not None and waiting <= at:
            pushes.append(waiting)
            waiting = None
        last = START + pushes[-1] if pushes else None
        if not pushes or index == len(ends) - 1:
            pushes.append(at)
            waiting = None
        elif is_bad:
            due = next_push(Push.BAD_NEWS, START + at, len(pushes), last) - START
            waiting = due if waiting is None else min(waiting, due)
    return pushes


moments = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=200).map(sorted)


@given(moments)
def test_an_hour_takes_four_messages_at_most_and_a_day_eight(drawn: list[tuple[float, bool]]) -> None:
    for span, most in ((HOUR, 4), (DAY, 8)):
        pushes = pushes_for([(span * part, is_bad) for part, is_bad in drawn])
        assert len(pushes) <= most
        assert pushes[0] == span * drawn[0][0]
        assert pushes[-1] == span * drawn[-1][0]


@given(st.integers(0, 60), st.floats(0, 30 * 24 * 3600))
def test_pushes_come_ever_more_rarely_and_at_least_once_a_day(pushes: int, since: float) -> None:
    assert gap(pushes) <= gap(pushes + 1) <= DAY
    now, last = START + timedelta(seconds=since), START
    assert next_push(Push.END, now, pushes, last) == now
    assert now <= next_push(Push.MORE, now, pushes, last) <= next_push(Push.BAD_NEWS, now, pushes, last)
    assert next_push(Push.BAD_NEWS, now, pushes, last) <= now + max(GATHERED_FOR, gap(pushes))


@given(st.integers(0, 60), st.floats(0, 24 * 3600))
def test_a_last_push_that_lies_ahead_counts_as_just_made(pushes: int, ahead: float) -> None:
    last = START + timedelta(seconds=ahead)
    assert next_push(Push.MORE, START, pushes, last) <= START + gap(pushes)


def test_the_first_bad_news_is_pushed_within_a_quarter_of_an_hour() -> None:
    assert (
        next_push(Push.BAD_NEWS, START + timedelta(seconds=1), 1, START) == START + timedelta(seconds=1) + GATHERED_FOR
    )


@given(st.floats(0, 40 * 24 * 3600), st.floats(0, 40 * 24 * 3600))
def test_an_edit_is_never_longer_than_a_quarter_of_an_hour_away(age: float, since: float) -> None:
    now = START + timedelta(seconds=age)
    edit_at = next_edit(now, START, START + timedelta(seconds=min(age, since)))
    assert now <= edit_at < now + GATHERED_FOR
    if age < 3600:
        assert edit_at <= now + timedelta(minutes=1)
