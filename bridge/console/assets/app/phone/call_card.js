// One call: who, how long, how well, and what can be done with it.
import { html, useEffect, useState } from "../lib/html.js";
import { DialPad } from "./dial_pad.js";
import { PhoneIcon } from "./icons.js";
import { answer, callOf, placeCall, resume, transfer } from "./line.js";
import { shownDuration } from "./numbers.js";
import { verdict } from "./quality.js";

const STATES = {
  calling: "Calling …", ringing: "Rings …", incoming: "Calls you", talking: "Talks", ended: "Ended",
};

export function CallCard({ view, calls }) {
  const [open, setOpen] = useState(""); // "keys", "transfer"
  const [fault, setFault] = useState("");
  const call = callOf(view.id);
  const consult = calls.find((x) => x.consultsFor === view.id && x.state !== "ended");
  const original = calls.find((x) => x.id === view.consultsFor && x.state === "talking");
  if (!call) return null;

  const attempt = (work) => async () => {
    setFault("");
    await Promise.resolve().then(work).catch((why) => setFault(why.message));
  };
  const toggle = (what) => () => setOpen(open === what ? "" : what);
  const talking = view.state === "talking";
  const who = view.name || view.number;

  return html`
    <section class=${`card talk ${view.state}`} aria-label=${`Call with ${who}`} data-state=${view.state}>
      <div class="row spread">
        <div><strong class="who">${who}</strong>
          ${view.name && html`<div class="muted number">${view.number}</div>`}</div>
        <div class="row">
          <${Quality} quality=${talking ? view.quality : null} />
          ${view.held && html`<span class="badge warn">On hold</span>`}
          ${view.muted && html`<span class="badge warn">Muted</span>`}
          <span class="badge">${talking ? html`<${Duration} since=${view.startedMs} />` : STATES[view.state]}</span>
        </div>
      </div>
      ${view.why && html`<p class="muted">${view.why}</p>`}
      ${view.transferring && html`<p class="muted" role="status">Is being transferred …</p>`}
      ${fault && html`<p class="notice bad" role="alert">${fault}</p>`}
      <div class="row">
        ${view.state === "incoming" && html`
          <button class="primary" data-do="answer" onClick=${attempt(() => answer(call))}>
            <${PhoneIcon} name="answer" /> Answer</button>
          <button class="danger" data-do="reject" onClick=${attempt(call.hangUp)}>
            <${PhoneIcon} name="hangup" /> Reject</button>`}
        ${talking && html`
          <button data-do="mute" aria-pressed=${view.muted} onClick=${attempt(() => call.mute(!view.muted))}>
            ${view.muted ? "Unmute" : "Mute"}</button>
          <button data-do="hold" aria-pressed=${view.held} onClick=${attempt(() => (view.held ? resume(call) : call.hold(true)))}>
            ${view.held ? "Resume" : "Hold"}</button>
          <button data-do="keys" aria-expanded=${open === "keys"} onClick=${toggle("keys")}>Keys</button>
          <button data-do="transfer" aria-expanded=${open === "transfer"} onClick=${toggle("transfer")}>Transfer</button>
          ${original && html`
            <button class="primary" data-do="connect" onClick=${attempt(() => transfer(callOf(original.id), "", call))}>
              Connect with ${original.name || original.number}</button>`}`}
        ${["talking", "calling", "ringing"].includes(view.state) && html`
          <button class="danger" data-do="hangup" onClick=${attempt(call.hangUp)}>
            <${PhoneIcon} name="hangup" /> Hang up</button>`}
      </div>
      ${talking && open === "keys" && html`<${DialPad} onDigit=${(digit) => call.sendDigit(digit)} />`}
      ${talking && open === "transfer" && html`
        <${TransferForm} asking=${Boolean(consult)} attempt=${attempt}
          onBlind=${(number) => transfer(call, number)}
          onAsk=${async (number) => { await placeCall(number, view.id); setOpen(""); }} />`}
    </section>`;
}

// What a screen reader says of the calls when one changes; the durations are not read out.
export function CallsSaid({ calls }) {
  const said = calls.map((x) => `${x.name || x.number}: ${STATES[x.state]}${x.held ? ", on hold" : ""}`);
  return html`<p class="visually-hidden" role="status">${said.join(". ")}</p>`;
}

function TransferForm({ asking, attempt, onBlind, onAsk }) {
  const [number, setNumber] = useState("");
  return html`
    <form class="row transfer" onSubmit=${(event) => { event.preventDefault(); attempt(() => onBlind(number))(); }}>
      <label class="grow">Transfer to
        <input name="transfer" inputmode="tel" autocomplete="off" value=${number} required
          onInput=${(event) => setNumber(event.target.value)} /></label>
      <button class="primary" data-do="blind">Transfer now</button>
      <button type="button" data-do="ask" disabled=${asking} onClick=${attempt(() => onAsk(number))}>Ask first</button>
    </form>`;
}

function Quality({ quality }) {
  if (!quality) return null;
  const kind = verdict(quality);
  const lost = `${quality.lostPercent.toFixed(quality.lostPercent < 10 ? 1 : 0)} % lost`;
  const trip = quality.roundTripMs === null ? "" : ` · ${quality.roundTripMs} ms`;
  const text = quality.silent ? "Nothing is heard" : { good: "Good", warn: "Fair", bad: "Poor" }[kind];
  return html`<span class=${`badge ${kind}`} title=${`${lost}, jitter ${quality.jitterMs} ms${trip}`}>
    ${text} · ${quality.codec}</span>`;
}

function Duration({ since }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return html`<span class="number">${shownDuration(now - since)}</span>`;
}
