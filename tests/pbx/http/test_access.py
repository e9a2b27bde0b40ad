"""Who may do what, as an app sees it: tokens, user ids, reach, short numbers."""

from __future__ import annotations

import pytest

from bridge.testing.lab.api_client import Answer, ApiClient
from bridge.testing.lab.running_lab import RunningLab
from tests.lab.raw_http import send_raw

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIST = "/uapi/phoneCalls/@me/@self"
RINGS_FOR_EVER = "3235550180"
UNKNOWN_TOKEN = "A" * 43
ROUTES = [
    ("GET", LIST),
    ("DELETE", LIST),
    ("GET", "/uapi/phoneCalls/@me/210/abc/"),
    ("POST", "/uapi/phoneCalls/@me/simple"),
    ("PUT", "/uapi/phoneCalls/@me/210/abc"),
    ("POST", "/uapi/phoneCalls/@me/callback"),
    ("GET", "/uapi/cdr/12/"),
]


async def send(lab: RunningLab, method: str, target: str, authorization: str = "") -> Answer:
    headers = {"Host": "x", **({"Authorization": authorization} if authorization else {})}
    return await send_raw(lab.bridge.base_url, f"{method} {target} HTTP/1.1", headers)


def denied(answer: Answer) -> tuple[int, str, str, str]:
    return answer.status, answer.code, answer.message, answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_given_no_token_or_a_wrong_one_when_requested_then_the_same_401_for_all(
    lab: RunningLab, method: str, path: str
) -> None:
    async with lab.client() as client:
        token = await client.authenticate()
    answers = {
        denied(await send(lab, method, path + query, header))
        for query, header in [
            ("", ""),
            ("", "Bearer"),
            ("", "Bearer "),
            ("", f"Bearer {UNKNOWN_TOKEN}"),
            ("", f"Bearer {token[:-1]}"),
            ("", f"Bearer {token}x"),
            ("", f"Bearer {token.swapcase()}"),
            ("", f"Basic {token}"),
            ("", "Bearer é"),
            ("", "Bearer " + "x" * 5000),
            ("?accessRequestToken=", ""),
            (f"?accessRequestToken={UNKNOWN_TOKEN}", ""),
            ("?accessRequestToken=%FF%00", ""),
            (f"?accessrequesttoken={token}", ""),
        ]
    }

    [(status, code, message, challenge)] = answers
    assert (status, code, challenge) == (401, "access_denied", 'Bearer realm="uapi"')
    assert token not in message


@pytest.mark.parametrize("form", ["{}", "Bearer%20{}", "Bearer+{}", "bearer%20{}"])
async def test_given_the_token_in_the_query_when_requested_then_it_counts(
    lab: RunningLab, form: str
) -> None:
    async with lab.client() as client:
        token = await client.authenticate()

    answer = await send(lab, "GET", f"{LIST}?accessRequestToken={form.format(token)}")

    assert answer.status == 200


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER"])
async def test_given_the_token_in_the_header_when_requested_then_it_counts(
    lab: RunningLab, word: str
) -> None:
    async with lab.client() as client:
        token = await client.authenticate()

    assert (await send(lab, "GET", LIST, f"{word} {token}")).status == 200


@pytest.mark.parametrize(
    ("client_id", "user", "extension", "code"),
    [
        ("user-12", "@me", "210", None),
        ("user-12", "@viewer", "210", None),
        ("user-12", "@owner", "210", None),
        ("user-12", "12", "210", None),
        ("user-12", "12", "0003*210", None),
        ("user-12", "12", "@self", None),
        ("user-12", "13", "220", "user_invalid"),
        ("user-12", "21", "0004*210", "user_invalid"),
        ("user-12", "99", "210", "user_invalid"),
        ("user-12", "0012", "210", None),
        ("user-12", "@global", "210", "user_invalid"),
        ("user-12", "@owner", "220", "extension_invalid"),
        ("user-12", "@owner", "@self", "extension_invalid"),
        ("user-12", "@me", "220", "extension_invalid"),
        ("user-12", "@me", "999", "extension_invalid"),
        ("user-12", "@me", "0004*210", "extension_invalid"),
        ("organization-0003", "12", "210", None),
        ("organization-0003", "13", "220", None),
        ("organization-0003", "12", "0003*210", None),
        ("organization-0003", "@owner", "220", None),
        ("organization-0003", "12", "@self", None),
        ("organization-0003", "@me", "210", "user_invalid"),
        ("organization-0003", "@viewer", "210", "user_invalid"),
        ("organization-0003", "21", "0004*210", "user_invalid"),
        ("organization-0003", "@owner", "0004*210", "extension_invalid"),
        ("organization-0003", "12", "220", "extension_invalid"),
        ("organization-0003", "12", "0004*210", "extension_invalid"),
        ("organization-0004", "21", "210", None),
        ("organization-0004", "12", "0003*210", "user_invalid"),
        ("administrator", "12", "0003*210", None),
        ("administrator", "21", "0004*210", None),
        ("administrator", "@owner", "0004*210", None),
        ("administrator", "12", "@self", None),
        ("administrator", "@me", "0003*210", "user_invalid"),
        ("administrator", "@viewer", "0003*210", "user_invalid"),
        ("administrator", "99", "0003*210", "user_invalid"),
        ("administrator", "12", "210", "extension_invalid"),
        ("administrator", "@owner", "210", "extension_invalid"),
        ("administrator", "12", "0004*210", "extension_invalid"),
    ],
)
async def test_given_an_app_when_it_names_a_user_and_an_extension_then_only_its_own_exist(
    lab: RunningLab, client_id: str, user: str, extension: str, code: str | None
) -> None:
    async with lab.client(client_id) as client:
        for method in ("GET", "DELETE"):
            answer = await client.request(method, f"/uapi/phoneCalls/{user}/{extension}")
            if code is None:
                assert answer.status in (200, 204), answer.text
            else:
                assert (answer.status, answer.code) == (400, code)
        if extension == "@self":
            return
        created = await client.create(
            [RINGS_FOR_EVER], ["3235550201"], user=user, extension=extension
        )
        if code is None:
            assert created.status == 202, created.text
            assert (await client.request("DELETE", created.json[0]["links"]["self"])).status == 200
        else:
            assert (created.status, created.code) == (400, code)


@pytest.mark.parametrize(
    ("client_id", "user", "there", "not_there"),
    [
        # Each pair: something that exists out of reach, and something that does not exist at all.
        ("user-12", "@me", "0004*210", "0004*219"),
        ("user-12", "@me", "220", "229"),
        ("user-12", "@me", "0003*220", "0003*229"),
        ("organization-0003", "12", "0004*210", "0009*210"),
        ("administrator", "12", "0004*210", "0009*210"),
    ],
)
async def test_given_an_extension_out_of_reach_when_named_then_it_looks_like_one_that_is_not_there(
    lab: RunningLab, client_id: str, user: str, there: str, not_there: str
) -> None:
    async with lab.client(client_id) as client:
        for method in ("GET", "DELETE"):
            answers = [
                await client.request(method, f"/uapi/phoneCalls/{user}/{number}/abc")
                for number in (there, not_there)
            ]
            same_but_for_the_value(answers, there, not_there)
        answers = [
            await client.create([RINGS_FOR_EVER], ["3235550201"], user=user, extension=number)
            for number in (there, not_there)
        ]
        same_but_for_the_value(answers, there, not_there)


@pytest.mark.parametrize("name", ["source", "destination"])
@pytest.mark.parametrize(
    ("client_id", "there", "not_there"),
    [
        ("user-12", "0004*210", "0004*219"),
        ("user-12", "0004*00", "0009*00"),
        ("organization-0003", "0004*210", "0009*210"),
    ],
)
async def test_given_a_party_out_of_reach_when_called_then_it_looks_like_one_that_is_not_there(
    lab: RunningLab, client_id: str, there: str, not_there: str, name: str
) -> None:
    async with lab.client(client_id) as client:
        answers = []
        for number in (there, not_there):
            view: dict[str, object] = {name: [number]}
            answers.append(
                await client.create(
                    [RINGS_FOR_EVER], [RINGS_FOR_EVER], user="12", extension="210", view=view
                )
            )

    same_but_for_the_value(answers, there, not_there)
    assert answers[0].code == f"pc_{name}_invalid"


async def test_given_a_user_out_of_reach_when_named_then_it_looks_like_one_that_is_not_there(
    lab: RunningLab,
) -> None:
    async with lab.client("organization-0003") as client:
        answers = [
            await client.request("GET", f"/uapi/phoneCalls/{user}/@self") for user in ("21", "99")
        ]

    same_but_for_the_value(answers, "21", "99")


async def test_given_a_call_of_another_user_when_read_or_ended_then_it_looks_like_none(
    lab: RunningLab, api: ApiClient
) -> None:
    call_id = await api.place([RINGS_FOR_EVER], ["3235550201"], extension="210")
    async with lab.client("user-13") as other:
        for extension in ("@self", "220"):
            path = f"/uapi/phoneCalls/@me/{extension}"
            assert (await other.request("GET", f"{path}/{call_id}")).json["entry"] == []
            there = await other.request("DELETE", f"{path}/{call_id}")
            not_there = await other.request("DELETE", f"{path}/{'0' * 20}")
            same_but_for_the_value([there, not_there], call_id, "0" * 20)
            assert there.code == "pc_phoncall_invalid"
        assert (await other.hang_up()).status == 204

    assert await api.call(call_id) is not None


def same_but_for_the_value(answers: list[Answer], there: str, not_there: str) -> None:
    first, second = answers
    assert first.status == second.status == 400
    assert first.code == second.code
    assert first.message.replace(there, not_there) == second.message
