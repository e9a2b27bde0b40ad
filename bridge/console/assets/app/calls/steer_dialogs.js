// The actions that need more than a key: who, and to whom.
import { html, useState } from "../lib/html.js";
import { FormDialog } from "../lib/dialog.js";
import { say } from "../lib/said.js";
import { partiesOf } from "../live/call_words.js";
import { act } from "./actions.js";

function PartyField({ call, label, value, only = () => true }) {
  return html`<label>${label}
    <select name="party" defaultValue=${value}>
      ${partiesOf(call).filter(only).map((party) => html`<option key=${party.viewId} value=${party.viewId} selected=${party.viewId === value}>${party.number} (${party.state})</option>`)}
    </select></label>`;
}

function PhoneField({ reach, label, value }) {
  return html`<label>${label}
    <select name="phone" defaultValue=${value} required>
      ${reach.phones.map((one) => html`<option key=${one.number} value=${one.number}>${one.number} ${one.callerName}</option>`)}
    </select></label>`;
}

export function TransferDialog({ call, reach, party, onClose }) {
  const [toVoicemail, setToVoicemail] = useState(false);
  async function submit(fields) {
    const target = fields.get("target").trim();
    const waitForPickup = fields.get("waitForPickup");
    await act(call, toVoicemail ? "TransferToVoicemail" : "Transfer", {
      phoneCallViewId: fields.get("party"),
      ...(target ? { sendCallTo: target } : {}),
      ...(waitForPickup && !toVoicemail ? { waitForPickup } : {}),
    });
    say("The call is transferred.");
  }
  return html`
    <${FormDialog} title="Transfer" action="Transfer" onSubmit=${submit} onClose=${onClose}>
      <datalist id="targets">${reach.phones.map((one) => html`<option key=${one.number} value=${one.number}>${one.callerName}</option>`)}</datalist>
      <${PartyField} call=${call} label="This party hands the other one on" value=${party?.viewId} />
      <label>To <input name="target" list="targets" required=${!toVoicemail} autofocus autocomplete="off" /></label>
      <label>Rings for <span class="hint">seconds</span> <input name="waitForPickup" type="number" min="1" placeholder="25" disabled=${toVoicemail} /></label>
      <label class="check"><input type="checkbox" checked=${toVoicemail} onChange=${(event) => setToVoicemail(event.target.checked)} /> To the mailbox</label>
      <p class="muted">The dialog stays open until somebody has answered there.</p>
    <//>`;
}

const LISTENING = [
  ["Monitor", "Listen", "hears both, is heard by nobody"],
  ["Whisper", "Whisper", "hears both, is heard by the party"],
  ["private", "Whisper privately", "hears nobody, is heard by the party"],
  ["BargeIn", "Barge in", "all hear each other"],
];

export function ListenDialog({ call, reach, party, action, onClose }) {
  async function submit(fields) {
    const chosen = fields.get("action");
    await act(call, chosen === "private" ? "Whisper" : chosen, {
      phoneCallViewId: fields.get("party"),
      sendCallTo: fields.get("phone"),
      ...(chosen === "private" ? { private: "1" } : {}),
    });
    say("The phone listens.");
  }
  return html`
    <${FormDialog} title="Listen to the call" action="Ring the phone" onSubmit=${submit} onClose=${onClose}>
      <fieldset><legend>The phone</legend>
        ${LISTENING.map(([value, text, hint]) => html`
          <label class="check" key=${value}><input type="radio" name="action" value=${value} defaultChecked=${value === action} autofocus=${value === action} /> ${text} <span class="muted">${hint}</span></label>`)}
      </fieldset>
      <${PhoneField} reach=${reach} label="Phone that listens" />
      <${PartyField} call=${call} label="Party" value=${party?.viewId} />
    <//>`;
}

export function ParkDialog({ call, party, onClose }) {
  async function submit(fields) {
    const maxInParking = fields.get("maxInParking");
    await act(call, "Park", { phoneCallViewId: fields.get("party"), ...(maxInParking ? { maxInParking } : {}) });
    say("The party is parked.");
  }
  return html`
    <${FormDialog} title="Park" action="Park" onSubmit=${submit} onClose=${onClose}>
      <${PartyField} call=${call} label="This party parks the other one" value=${party?.viewId} only=${(one) => one.extension} />
      <label>At most <span class="hint">seconds; then the phone that parked rings</span>
        <input name="maxInParking" type="number" min="1" max="3600" placeholder="180" autofocus /></label>
    <//>`;
}

export function FetchDialog({ call, reach, party, onClose }) {
  const parked = party?.parked;
  async function submit(fields) {
    await act(call, parked ? "UnPark" : "PickUp", { phoneCallViewId: party.viewId, sendCallTo: fields.get("phone") });
    say(parked ? "The phone has the parked party." : "The phone has the call.");
  }
  return html`
    <${FormDialog} title=${parked ? "Fetch the parked party" : "Pick up the call"} action="Ring the phone" onSubmit=${submit} onClose=${onClose}>
      <${PhoneField} reach=${reach} label="Phone that takes it" />
    <//>`;
}

export function DigitsDialog({ call, party, onClose }) {
  async function submit(fields) {
    await act(call, "SendDTMF", { phoneCallViewId: fields.get("party"), digits: fields.get("digits") });
    say("The digits are sent.");
  }
  return html`
    <${FormDialog} title="Send digits" action="Send" onSubmit=${submit} onClose=${onClose}>
      <label>Digits <input name="digits" required autofocus pattern="[0-9*#A-Dw,]+" maxlength="32" inputmode="tel" autocomplete="off" /></label>
      <${PartyField} call=${call} label="To this party" value=${party?.viewId} />
    <//>`;
}

export function KeysDialog({ keys, onClose }) {
  return html`
    <${FormDialog} title="Keys" action="Close" onSubmit=${() => {}} onClose=${onClose}>
      <p class="muted">They count in the list of calls.</p>
      <dl class="keys">${keys.map(([key, text]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${text}</dd></div>`)}</dl>
    <//>`;
}
