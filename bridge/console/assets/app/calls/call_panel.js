// The chosen call: its parties, and what can be done with it.
import { html } from "../lib/html.js";
import { isRecorded, partiesOf, stateOf } from "../live/call_words.js";
import { PartyName, nameOf, shownNumber } from "./party_name.js";

export function CallPanel({ call, reach, onDo, href }) {
  if (!call) return html`<aside class="card chosen" aria-label="The chosen call"><p class="empty">Choose a call to steer it.</p></aside>`;
  const parties = partiesOf(call);
  const live = !call.ended;
  const talking = live && parties.some((party) => party.talks);
  const recorded = isRecorded(call);
  const button = (name, text, key, { danger = false, enabled = true } = {}) => html`
    <button class=${danger ? "danger" : ""} disabled=${!enabled} onClick=${() => onDo(name)}>${text} <kbd aria-hidden="true">${key}</kbd></button>`;
  return html`
    <aside class="card chosen" aria-label="The chosen call">
      <header class="row spread"><h2>${stateOf(call).text}</h2><a href=${href}>Details</a></header>
      <ul class="parties">
        ${parties.map((party) => html`
          <li key=${party.viewId}>
            <div><${PartyName} reach=${reach} numbers=${[party.number]} call=${call} /></div>
            <div class="row spread"><span class="muted">${party.state}</span>
              <span class="row">
                ${live && party.parked && html`<button onClick=${() => onDo("fetch", party)}>Fetch</button>`}
                ${live && party.rings && html`<button onClick=${() => onDo("fetch", party)}>Pick up</button>`}
                ${talking && party.talks && !party.parked && html`<button aria-label=${`${party.onHold ? "End hold of" : "Hold by"} ${party.number}`} onClick=${() => onDo("hold", party)}>${party.onHold ? "Resume" : "Hold"}</button>`}
              </span></div>
          </li>`)}
      </ul>
      <div class="actions">
        ${button("hang up", "Hang up", "Del", { danger: true, enabled: live })}
        ${button("hold", parties.some((party) => party.onHold) ? "Resume" : "Hold", "O", { enabled: talking })}
        ${button("transfer", "Transfer", "T", { enabled: live })}
        ${button("park", "Park", "P", { enabled: talking })}
        ${button("record", recorded ? "Stop recording" : "Record", "R", { enabled: talking })}
        ${button("listen", "Listen", "L", { enabled: talking })}
        ${button("whisper", "Whisper", "W", { enabled: talking })}
        ${button("digits", "Digits", "D", { enabled: talking })}
      </div>
      <dl class="facts">
        <div><dt>Paid by</dt><dd class="number">${shownNumber(reach, call.extension, call)} ${call.extension ? nameOf(reach, call.extension, call) : ""}</dd></div>
        <div><dt>Id</dt><dd class="mono">${call.id}</dd></div>
        ${call.reason && html`<div><dt>Ended</dt><dd>${call.reason}</dd></div>`}
      </dl>
    </aside>`;
}
