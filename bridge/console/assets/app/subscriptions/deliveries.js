// The newest deliveries of a subscription, each with request and answer, to be sent once more.
import { api } from "../api.js";
import { html, useEffect, useState } from "../lib/html.js";
import { say } from "../lib/said.js";

const SHOWN = 50;
const LOOK_AGAIN_MS = 3_000;

export function Deliveries({ path }) {
  const [found, setFound] = useState({ entry: null, fault: "" });
  useEffect(() => {
    let timer, over = false;
    async function look() {
      try {
        const told = await api.get(`${path}/deliveries`, { count: SHOWN });
        if (!over) setFound({ entry: told.entry, fault: "" });
      } catch (why) {
        if (!over) setFound({ entry: null, fault: why.message });
      }
      if (!over) timer = setTimeout(look, LOOK_AGAIN_MS);
    }
    look();
    return () => { over = true; clearTimeout(timer); };
  }, [path]);

  async function retry(one) {
    try {
      await api.post(`${path}/deliveries/${one.id}/retry`);
      say("It is sent once more.");
    } catch (why) {
      say(why.message, "bad");
    }
  }

  if (found.fault) return html`<p class="notice bad" role="alert">${found.fault}</p>`;
  if (!found.entry) return html`<p class="muted" role="status">The deliveries are being read.</p>`;
  if (found.entry.length === 0) return html`<p class="muted">Nothing was delivered yet.</p>`;
  return html`<ul class="deliveries">
    ${found.entry.map((one) => html`
      <li key=${one.id}>
        <div class="row spread">
          <span><span class="number">${one.occurred ? new Date(one.occurredMs).toLocaleTimeString() : ""}</span> ${one.parameters?.CallStatus ?? ""}
            ${one.test ? html`<span class="badge accent">test</span>` : ""}</span>
          <span class="row"><span class=${`badge ${one.status >= 200 && one.status < 300 ? "good" : one.finished ? "bad" : "warn"}`}>${one.status ?? one.error ?? one.state}</span>
            <span class="muted number">${one.attempts} attempts${one.duration === undefined ? "" : `, ${one.duration} ms`}</span>
            ${one.finished && !one.test && html`<button onClick=${() => retry(one)} aria-label=${`Retry delivery ${one.id}`}>Retry</button>`}</span>
        </div>
        <details><summary>Request and answer</summary><pre tabindex="0">${JSON.stringify({ request: one.request, parameters: one.parameters, status: one.status, error: one.error, nextAttempt: one.nextAttempt }, null, 2)}</pre></details>
      </li>`)}
  </ul>`;
}
