"""schemathesis against the service with a real Asterisk: the answers are those of the document.

A short run with a fixed seed. `make fuzz` takes as long as you like.
"""

from __future__ import annotations

import re

import pytest

from tests.fuzz.run import fuzz, open_fuzz_lab

EXAMPLES, SEED = 2, 15


@pytest.mark.timeout(400)
async def test_given_the_document_when_all_of_it_is_asked_then_the_answers_are_as_it_says(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("fuzz")  # the socket of Asterisk must have a short name
    async with await open_fuzz_lab(folder) as lab:
        report = await fuzz(lab, folder, examples=EXAMPLES, seed=SEED)
        assert not report.faults, report.text
        tested = re.search(r"Tested: +(\d+)", report.text)
        assert tested is not None, report.text
        assert int(tested[1]) > 40
        # Valid requests were among them, so calls were placed, and they ended.
        async with lab.client() as client:
            await client.leave_no_call()
            records = await client.calls("@self", ended="true", count="100")
            assert len(records) >= 5
