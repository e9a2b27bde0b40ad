"""Each instance gets the same share of each kind of resource, and they come to rest."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from bridge.cluster.lease_choice import Free, claims, surplus

PBXS = [f"pbx:{n}" for n in range(4)]
SHARDS = [f"hooks:{n}" for n in range(16)]


def free(*resources: str, since_s: float = 0.0) -> list[Free]:
    return [Free(x, since_s) for x in resources]


def test_given_two_instances_when_all_is_free_then_one_claims_half_of_each_kind() -> None:
    chosen = claims([*PBXS, *SHARDS], [], free(*PBXS, *SHARDS), takers=2, share_wait_s=2)
    assert chosen == [*PBXS[:2], *SHARDS[:8]]


def test_given_its_share_when_one_stays_free_for_long_then_it_is_claimed_too() -> None:
    mine, left = PBXS[:2], PBXS[2]
    assert claims(PBXS, mine, free(left, since_s=1.9), takers=2, share_wait_s=2) == []
    assert claims(PBXS, mine, free(left, since_s=2.0), takers=2, share_wait_s=2) == [left]


def test_given_more_than_its_share_when_another_lives_then_the_surplus_is_released() -> None:
    everything = [*PBXS, *SHARDS]
    assert surplus(everything, everything, {"b": []}) == [*PBXS[2:], *SHARDS[8:]]
    assert surplus(everything, everything, {}) == []


def test_given_one_pbx_when_two_more_instances_come_then_it_stays() -> None:
    assert surplus(["pbx:a"], ["pbx:a"], {"b": [], "c": []}) == []


def test_given_four_pbxs_at_two_instances_when_a_third_comes_then_it_gets_one() -> None:
    assert surplus(PBXS, PBXS[:2], {"b": PBXS[2:], "c": []}) == [PBXS[1]]


@given(resources=st.integers(1, 20), instances=st.integers(1, 6), seed=st.integers(0, 1_000_000))
def test_given_any_start_when_shared_out_then_all_have_one_and_nothing_moves_any_more(
    resources: int, instances: int, seed: int
) -> None:
    chance = random.Random(seed)
    everything = [f"pbx:{n}" for n in range(resources)]
    has: list[list[str]] = [[] for _ in range(instances)]
    for resource in everything:
        chance.choice(has).append(resource)

    def others(one: int) -> dict[str, list[str]]:
        return {str(n): x for n, x in enumerate(has) if n != one}

    for _ in range(resources * instances + 1):
        # all look at the same moment, which is the worst case for coming to rest
        given_up = [surplus(everything, has[one], others(one)) for one in range(instances)]
        if not any(given_up):
            break
        pool = [x for released in given_up for x in released]
        for one, released in enumerate(given_up):
            has[one] = [x for x in has[one] if x not in released]
        for one in chance.sample(range(instances), instances):
            can = free(*(x for x in pool if x not in given_up[one]))
            for resource in claims(everything, has[one], can, instances, share_wait_s=2):
                has[one].append(resource)
                pool.remove(resource)
        for resource in pool:  # nobody else took it: whoever released it may have it again
            one = next(n for n, x in enumerate(given_up) if resource in x)
            has[one].append(resource)
    else:
        raise AssertionError("leases go round")
    counts = [len(x) for x in has]
    assert sum(counts) == resources
    assert max(counts) - min(counts) <= 1
