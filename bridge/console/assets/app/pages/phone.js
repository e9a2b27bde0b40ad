// The page "Phone": this browser is a phone of an extension.
import { api } from "../api.js";
import { html, useEffect, useRef, useState } from "../lib/html.js";
import { useValue } from "../lib/value.js";
import { CallCard, CallsSaid } from "../phone/call_card.js";
import { DeviceForm } from "../phone/device_form.js";
import { whyNoMicrophone } from "../phone/devices.js";
import { DialPad } from "../phone/dial_pad.js";
import { PhoneIcon } from "../phone/icons.js";
import { followKeyboard, SHORTCUTS } from "../phone/keyboard.js";
import { goOffline, goOnline, line, placeCall } from "../phone/line.js";

export default function PhonePage({ query }) {
  const phone = useValue(line);
  const [extensions, fault] = useExtensions();
  const why = whyNoMicrophone();
  return html`
    <header><h1>Phone</h1><${State} phone=${phone} /></header>
    ${why && html`<p class="notice bad" role="alert">${why}</p>`}
    ${phone.problem && html`<p class="notice bad" role="alert">${phone.problem}</p>`}
    <${CallsSaid} calls=${phone.calls} />
    <div class="softphone">
      <div class="stack">
        ${fault && html`<p class="notice bad" role="alert">${fault}</p>`}
        ${extensions?.length === 0 && html`<p class="notice">No extension in reach has a browser phone. The line
          ${" "}<code>webrtc: yes</code> of an extension in the directory file makes one.</p>`}
        ${extensions?.length > 0 && html`
          <${Registration} phone=${phone} extensions=${extensions} wanted=${query.as} />
          <${Dialler} phone=${phone} />
          <${DeviceForm} />`}
      </div>
      <div class="stack">
        ${phone.calls.length === 0 && html`<p class="empty">${phone.state === "online" ? html`
          No call yet. To hear yourself, call <code>00</code>: the dialplan of <code>make serve</code> echoes there.`
          : "No call. Go online to call and to be called."}</p>`}
        ${phone.calls.map((view) => html`<${CallCard} key=${view.id} view=${view} calls=${phone.calls} />`)}
        <${Help} />
      </div>
    </div>`;
}

const STATES = {
  off: ["", "Offline"],
  connecting: ["warn", "Connecting …"],
  online: ["good", "Online"],
  waiting: ["warn", "Connecting again …"],
  refused: ["bad", "Offline"],
};

function State({ phone }) {
  const [kind, text] = STATES[phone.state];
  return html`<span class=${`badge ${kind}`} role="status" data-state=${phone.state}>
    ${text}${phone.state === "online" ? ` as ${phone.number}` : ""}</span>`;
}

// Those that may have a browser phone (null: not told yet), and why they are not told.
function useExtensions() {
  const [extensions, setExtensions] = useState(null);
  const [fault, setFault] = useState("");
  useEffect(() => {
    api.get("console/reach").then(
      (told) => setExtensions(told.users.flatMap((user) => user.extensions).filter((x) => x.webrtc)),
      (why) => setFault(why.message),
    );
  }, []);
  return [extensions, fault];
}

function Registration({ phone, extensions, wanted }) {
  const on = ["connecting", "online", "waiting"].includes(phone.state);
  const known = (on ? [phone.number] : [wanted, phone.number]).find((number) => extensions.some((x) => x.number === number));
  const [chosen, setChosen] = useState(known ?? extensions[0].number);
  return html`
    <form class="card row be-phone" onSubmit=${(event) => { event.preventDefault(); if (on) goOffline({ forget: true }); else goOnline(chosen); }}>
      <label class="grow">Be the phone of
        <select name="extension" value=${chosen} disabled=${on} onChange=${(event) => setChosen(event.target.value)}>
          ${extensions.map((x) => html`<option key=${x.number} value=${x.number}>${x.short} ${x.callerName}</option>`)}
        </select></label>
      <button class=${on ? "" : "primary"} data-do="online">${on ? "Go offline" : "Go online"}</button>
    </form>`;
}

function Dialler({ phone }) {
  const [number, setNumber] = useState("");
  const [fault, setFault] = useState("");
  const now = useRef("");
  now.current = number;

  async function call() {
    setFault("");
    try {
      await placeCall(now.current);
      setNumber("");
    } catch (why) {
      setFault(why.message);
    }
  }

  useEffect(() => followKeyboard({
    onDigit: (digit) => setNumber((x) => x + digit),
    onErase: () => { setNumber((x) => x.slice(0, -1)); return now.current !== ""; },
    onCall: call,
  }), []);

  return html`
    <form class="card dialler" onSubmit=${(event) => { event.preventDefault(); call(); }}>
      ${fault && html`<p class="notice bad" role="alert">${fault}</p>`}
      <label>Number
        <input name="number" type="tel" inputmode="tel" autocomplete="off" value=${number}
          onInput=${(event) => setNumber(event.target.value)} /></label>
      <${DialPad} onDigit=${(digit) => setNumber((x) => x + digit)} />
      <button class="primary" data-do="call" disabled=${phone.state !== "online"}>
        <${PhoneIcon} name="answer" /> Call</button>
    </form>`;
}

function Help() {
  return html`
    <details class="muted keys-help"><summary>Keyboard</summary>
      <dl class="shortcuts">
        ${SHORTCUTS.map(([key, text]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${text}</dd></div>`)}
      </dl></details>`;
}
