"""GET and PUT /uapi/extensions/{userId}/{queue}/queue/agents[/{agent}].

The shapes are in docs/reference/uapi.md §8.
"""

from __future__ import annotations

from aiohttp import web

from bridge.directory.model import Extension
from bridge.directory.number_spelling import bare_number
from bridge.http.base_url import base_url
from bridge.http.body import body_of
from bridge.http.context import SERVICES, node_of
from bridge.http.errors import UapiError, invalid
from bridge.http.json_answer import json_answer
from bridge.http.json_body import json_object
from bridge.http.uapi.collection import LIST_PARAMETERS, FilterField, FilterFields, Listing
from bridge.http.uapi.fields import Json, requested_fields, select
from bridge.http.uapi.ignored_parameters import ignored_header, unknown_of
from bridge.http.uapi.phone_call_event_routes import own_url
from bridge.http.uapi.scope import authenticated_app, scope_of
from bridge.queues.agent import Agent, AgentStatus
from bridge.queues.queue_agents import NoSuchAgent

QUEUE_AGENT_FIELDS = frozenset({"agentNumber", "status", "links", "link"})
_BODY_FIELDS = ("status", "agentNumber", "links", "link")
_FILTERABLE: FilterFields[Agent] = {
    "agentNumber": FilterField(lambda x: x.number, lambda x: x.number, str),
    "status": FilterField(lambda x: str(int(x.status)), lambda x: str(int(x.status)), str),
}


async def list_queue_agents(request: web.Request) -> web.Response:
    """`GET`: the agents of a queue, logged in or not, or one of them; ordered by status."""
    queue = queue_of(request)
    ignored = ignored_header(request, unknown_of(request.query, {*LIST_PARAMETERS, "fields"}))
    listing = Listing.parse(request.query, _FILTERABLE)
    fields = requested_fields(request.query, QUEUE_AGENT_FIELDS)
    found = await node_of(request).queue_agents.agents(queue)
    wanted = _agent_number(request, queue)
    if wanted:
        found = [x for x in found if x.number == wanted]
        if not found:
            raise NoSuchAgent(wanted)
    page, total = listing.page(found, lambda x: (int(x.status), x.number))
    return json_answer(
        listing.envelope(
            [select(_item(request, x), fields) for x in page], total, own_url(request)
        ),
        headers=ignored,
    )


async def update_queue_agent(request: web.Request) -> web.Response:
    """`PUT`: log an agent in or out, or pause it."""
    authenticated_app(request)
    body = json_object(await body_of(request))
    queue = queue_of(request)
    unknown = [*unknown_of(request.query, ()), *unknown_of(body, _BODY_FIELDS)]
    ignored = ignored_header(request, unknown)
    agent = await node_of(request).queue_agents.set_status(
        queue, _agent_number(request, queue), _status(body.get("status"))
    )
    return json_answer([_item(request, agent)], headers=ignored)


def queue_of(request: web.Request) -> Extension:
    """The queue that the URI names. Raises extension_invalid for another extension."""
    scope = scope_of(request)
    if len(scope.extensions) != 1 or scope.extensions[0].queue is None:
        raise _no_queue()
    return scope.extensions[0]


def _no_queue() -> UapiError:
    return invalid("extension_invalid", "extension must be the number of a Queue of the user.")


def _agent_number(request: web.Request, queue: Extension) -> str:
    """Extended; empty where the URI names no agent."""
    written = bare_number(request.match_info.get("agent", ""))
    return written if "*" in written or not written else f"{queue.organization}*{written}"


def _status(value: object) -> AgentStatus:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if text not in ("0", "1", "2"):
        raise invalid("status_invalid", "status must be 0 (logged out), 1 (online) or 2 (paused).")
    return AgentStatus(int(text))


def _item(request: web.Request, agent: Agent) -> Json:
    base = base_url(request, request.app[SERVICES].settings.public_base_url)
    user, queue = request.match_info["userId"], request.match_info["extension"]
    links = {"self": f"{base}/uapi/extensions/{user}/{queue}/queue/agents/{agent.number}"}
    return {
        "agentNumber": agent.number,
        "status": str(int(agent.status)),
        "links": links,
        "link": links,
    }
