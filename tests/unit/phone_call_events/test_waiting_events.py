"""Which events of a subscription are in memory, and what is read of the others."""

from __future__ import annotations

from bridge.phone_call_events.delivery import Delivery
from bridge.phone_call_events.waiting_events import WaitingEvents


def events(first: int, count: int) -> list[Delivery]:
    return [
        Delivery(f"d{x}", "s1", x, "c1", occurred_ms=1, give_up_ms=2, parameters="")
        for x in range(first, first + count)
    ]


def test_given_full_lists_when_read_then_more_is_read_at_once_up_to_a_limit() -> None:
    waiting, sizes, after = WaitingEvents(1000), [], 0
    for _ in range(5):
        wanted = waiting.begin_read()
        assert wanted.after_sequence == after
        sizes.append(wanted.at_most)
        found = events(after + 1, wanted.at_most)
        waiting.read(wanted, found)
        for each in found:
            waiting.passed(each)
        after += wanted.at_most
    assert sizes == [25, 50, 100, 200, 200]
    assert waiting.on_disk
    waiting.read(waiting.begin_read(), [])
    assert waiting.are_none
    assert waiting.begin_read().at_most == 25


def test_given_a_drop_while_the_list_is_read_when_it_comes_then_it_is_not_used() -> None:
    waiting = WaitingEvents(10)
    wanted = waiting.begin_read()
    waiting.drop()
    waiting.read(wanted, events(1, 2))
    assert waiting.next is None


def test_given_one_that_is_sent_once_more_when_it_stands_in_the_list_then_it_is_left() -> None:
    waiting = WaitingEvents(10)
    waiting.hold("d1")
    waiting.read(waiting.begin_read(), events(1, 2))
    assert waiting.next == events(2, 1)[0]


def test_given_events_that_come_while_they_are_counted_when_too_many_then_all_count() -> None:
    waiting = WaitingEvents(2)
    waiting.one_more()
    assert waiting.may_be_too_many
    _, before = waiting.begin_count()
    waiting.one_more()  # perhaps not in the count
    waiting.counted(2, before)
    assert waiting.surplus == 0
    assert waiting.may_be_too_many  # so they are counted again


def test_given_a_surplus_when_the_oldest_go_then_no_more_than_that() -> None:
    waiting = WaitingEvents(2)
    _, before = waiting.begin_count()
    waiting.counted(5, before)
    assert [waiting.take_surplus() for _ in range(4)] == [True, True, True, False]


def test_given_a_surplus_when_all_are_dropped_then_later_ones_need_not_make_room() -> None:
    waiting = WaitingEvents(2)
    waiting.counted(5, 3)
    waiting.drop()
    assert not waiting.take_surplus()


def test_given_a_tried_event_that_was_dropped_meanwhile_when_put_back_then_it_is_not() -> None:
    waiting = WaitingEvents(10)
    waiting.read(waiting.begin_read(), events(1, 1))
    delivery = waiting.next
    assert delivery is not None
    waiting.drop()
    waiting.tried(delivery, delivery)
    assert waiting.next is None
