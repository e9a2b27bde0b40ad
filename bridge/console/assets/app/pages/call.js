// One call: what happened as a picture, the request that made it, its record, webhooks, recording.
import { api } from "../api.js";
import { html, useEffect, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { useStyle } from "../lib/style.js";
import { useNowMs } from "../lib/clock.js";
import { Copyable } from "../lib/copy.js";
import { beganMs, durationText, fromOf, stateOf, toOf } from "../live/call_words.js";
import { addressOf } from "../route.js";
import { curlOf, madeByApp, qualityOf, webhooksOf } from "../call/call_texts.js";
import { Ladder } from "../call/ladder.js";
import { Recording } from "../call/recording.js";

const LOOK_AGAIN_MS = 2_000;

export default function CallPage({ params }) {
  useStyle("style/call.css");
  const path = `uapi/phoneCalls/${encodeURIComponent(params.user)}/@self/${encodeURIComponent(params.id)}`;
  const { call, timeline, fault } = useCall(path);
  const now = useNowMs(Boolean(call) && !call.ended);

  const back = html`<a class="button" href=${addressOf("calls")} aria-label="All calls"><${Icon} name="back" /></a>`;
  if (!call) {
    return html`<header><div class="row">${back}<h1>Call</h1></div></header>
      <p class=${fault ? "notice bad" : "empty card"} role=${fault ? "alert" : "status"}>${fault || "The call is being read."}</p>`;
  }
  const state = stateOf(call);
  const quality = qualityOf(call);
  return html`
    <header>
      <div class="row">${back}<h1>${fromOf(call).join(", ")} → ${toOf(call).join(", ")}</h1>
        <span class=${`badge ${state.kind}`}>${state.text}</span></div>
      <code class="number">${call.id}</code>
    </header>
    <dl class="card call-facts">
      <${Fact} name="Began" value=${moment(call.publishedMs)} />
      <${Fact} name="Answered" value=${call.answeredMs ? moment(call.answeredMs) : "never"} />
      <${Fact} name=${call.ended ? "Ended" : "For"} value=${call.ended ? moment(call.endedMs) : durationText(now - beganMs(call))} />
      <${Fact} name="Paid by" value=${call.extension} />
      <${Fact} name="Ended by" value=${call.endedBy} />
      <${Fact} name="Reason" value=${call.reason} />
      <${Fact} name="Hangup cause" value=${call.hangupCause} />
      <${Fact} name="SIP status" value=${call.sipCode} />
    </dl>
    <section class="card part" aria-labelledby="part-ladder">
      <h2 id="part-ladder">Timeline</h2>
      <${Ladder} path=${`console/ladder/${encodeURIComponent(params.user)}/@self/${encodeURIComponent(params.id)}`} news=${timeline?.entry?.length ?? 0} />
    </section>
    <section class="card part" aria-labelledby="part-request">
      <h2 id="part-request">Request</h2>
      ${madeByApp(timeline) ? html`<dl class="request"><${Copyable} label="as curl" value=${curlOf(call)} /></dl>`
    : html`<p class="muted">No app made this call: a phone or a carrier began it.</p>`}
    </section>
    <section class="card part" aria-labelledby="part-webhooks">
      <h2 id="part-webhooks">Webhooks</h2>
      <${Webhooks} attempts=${webhooksOf(timeline)} />
    </section>
    ${call.recordingId && html`
      <section class="card part" aria-labelledby="part-recording">
        <h2 id="part-recording">Recording</h2>
        ${call.ended ? html`<${Recording} id=${call.recordingId} />` : html`<p class="muted">The call is being recorded. Its audio is here once the call has ended.</p>`}
      </section>`}
    ${quality.length > 0 && html`
      <section class="card part" aria-labelledby="part-quality">
        <h2 id="part-quality">Quality</h2>
        <pre tabindex="0">${JSON.stringify(quality, null, 2)}</pre>
      </section>`}
    <section class="card part" aria-labelledby="part-record">
      <h2 id="part-record">${call.ended ? "Final record" : "State"}</h2>
      <pre tabindex="0">${JSON.stringify(call, null, 2)}</pre>
    </section>`;
}

// The call and its timeline, again and again until it has ended and its last webhook may have gone out.
function useCall(path) {
  const [found, setFound] = useState({ call: null, timeline: null, fault: "" });
  useEffect(() => {
    let timer, over = false, looksAfterEnd = 3;
    async function look() {
      try {
        const [call] = (await api.get(path)).entry;
        const shown = call ?? (await api.get(path, { ended: "true" })).entry[0] ?? null;
        const timeline = shown && await api.get(`${path}/timeline`);
        if (over) return;
        setFound({ call: shown, timeline, fault: shown ? "" : "There is no such call." });
        if (shown?.ended) looksAfterEnd -= 1;
      } catch (why) {
        if (!over) setFound((before) => ({ ...before, fault: why.message }));
      }
      if (!over && looksAfterEnd > 0) timer = setTimeout(look, LOOK_AGAIN_MS);
    }
    look();
    return () => { over = true; clearTimeout(timer); };
  }, [path]);
  return found;
}

function Fact({ name, value }) {
  if (value === undefined || value === null || value === "") return null;
  return html`<div><dt>${name}</dt><dd class="number">${value}</dd></div>`;
}

function Webhooks({ attempts }) {
  if (attempts.length === 0) return html`<p class="muted">None was sent for this call to a receiver of yours.</p>`;
  return html`<div class="scroll" tabindex="0"><table>
    <thead><tr><th scope="col">When</th><th scope="col">Event</th><th scope="col">To</th><th scope="col">Answer</th><th scope="col">Took</th></tr></thead>
    <tbody>${attempts.map((one, place) => html`<tr key=${place}>
      <td class="number">${moment(one.ms)}</td><td>${one.callStatus ?? one.eventType ?? ""}</td><td>${one.host}</td>
      <td><span class=${`badge ${one.status >= 200 && one.status < 300 ? "good" : "bad"}`}>${one.status ?? one.error}</span></td>
      <td class="number">${one.durationMs} ms</td></tr>`)}</tbody>
  </table></div>`;
}

function moment(ms) {
  if (!ms) return "";
  const date = new Date(ms);
  return date.toLocaleString([], {
    year: "numeric", month: "numeric", day: "numeric",
    hour: "numeric", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
  });
}
