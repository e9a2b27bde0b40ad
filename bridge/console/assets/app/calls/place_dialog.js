// Places a call, with everything that a create of the API takes.
import { api } from "../api.js";
import { html, useRef, useState } from "../lib/html.js";
import { FormDialog } from "../lib/dialog.js";
import { say } from "../lib/said.js";
import { createRequest } from "./actions.js";

export function PlaceDialog({ reach, first, onClose, onPlaced }) {
  const payers = reach.extensions.filter((one) => one.type === "Phone Terminal");
  const [number, setNumber] = useState(first ?? payers[0]?.number ?? "");
  const payer = reach.find(number) ?? payers[0];
  // A form that is sent twice places one call.
  const key = useRef(crypto.randomUUID?.() ?? String(Math.random()));

  async function submit(fields) {
    const { path, query, body } = createRequest(fields, payer);
    const told = await api.post(path, body, { query, headers: { "Idempotency-Key": key.current } });
    say("The call is placed.");
    onPlaced(told);
  }

  return html`
    <${FormDialog} title="Place a call" action="Call" onSubmit=${submit} onClose=${onClose}>
      <datalist id="numbers">${reach.phones.map((one) => html`<option key=${one.number} value=${one.number}>${one.callerName}</option>`)}</datalist>
      <div class="fields two">
        <label>From <span class="hint">rings first</span>
          <input name="source" list="numbers" required autofocus defaultValue=${payer?.number} key=${payer?.number} autocomplete="off" /></label>
        <label>To <span class="hint">several with commas</span>
          <input name="destination" list="numbers" required autocomplete="off" inputmode="text" /></label>
      </div>
      <label>Paid by
        <select value=${payer?.number} onChange=${(event) => setNumber(event.target.value)}>
          ${payers.map((one) => html`<option key=${one.number} value=${one.number}>${one.number} ${one.callerName}</option>`)}
        </select></label>
      <details>
        <summary>More</summary>
        <div class="fields two">
          <label>Caller id for the source <input name="callerId" placeholder="John Doe <4242425>" autocomplete="off" /></label>
          <label>Caller id for the destination <input name="callerIdDestination" autocomplete="off" /></label>
          <label>Rings for <span class="hint">seconds</span> <input name="waitForPickup" type="number" min="1" placeholder="25" /></label>
          <label>Talk at most <span class="hint">seconds</span> <input name="callDuration" type="number" min="1" placeholder="7200" /></label>
          <label>Recording
            <select name="recording"><option value="">as the directory says</option><option value="true">yes</option><option value="false">no</option></select></label>
          <label>Nonce <span class="hint">a word of your own</span> <input name="nonce" autocomplete="off" /></label>
          <label>Status URL <span class="hint">gets each state</span> <input name="statusUrl" type="url" autocomplete="off" /></label>
          <label>Metadata <span class="hint">JSON</span> <input name="metadata" placeholder='{"ticket": 4711}' autocomplete="off" spellcheck=${false} /></label>
          <label class="check"><input name="allowPublicTransfer" type="checkbox" /> Phones may transfer to public numbers</label>
          <label class="check"><input name="video" type="checkbox" /> Offer video</label>
        </div>
      </details>
    <//>`;
}
