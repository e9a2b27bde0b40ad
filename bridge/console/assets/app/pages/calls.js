// All live calls in reach, and everything that steers them, by mouse and by keyboard.
import { html, useRef, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { say } from "../lib/said.js";
import { useStyle } from "../lib/style.js";
import { hangUp, hold, ownParty, record } from "../calls/actions.js";
import { CallPanel } from "../calls/call_panel.js";
import { CallTable } from "../calls/call_table.js";
import { nameOf } from "../calls/party_name.js";
import { PlaceDialog } from "../calls/place_dialog.js";
import {
  DigitsDialog, FetchDialog, KeysDialog, ListenDialog, ParkDialog, TransferDialog,
} from "../calls/steer_dialogs.js";
import { callStream, useCalls } from "../live/calls.js";
import { isRecorded, matches, partiesOf, userOf } from "../live/call_words.js";
import { useReach } from "../live/reach.js";
import { StreamState } from "../live/stream_state.js";
import { addressOf } from "../route.js";

const KEYS = [
  ["↑ ↓", "choose a call"], ["Enter", "details"], ["N", "place a call"], ["/", "search"],
  ["Del", "hang up"], ["O", "hold, resume"], ["T", "transfer"], ["P", "park"], ["R", "record"],
  ["L", "listen"], ["W", "whisper"], ["D", "send digits"], ["F", "fetch or pick up"], ["?", "these keys"],
];
const OF_KEY = {
  delete: "hang up", backspace: "hang up", o: "hold", t: "transfer", p: "park", r: "record",
  l: "listen", w: "whisper", d: "digits", f: "fetch", n: "place", "?": "keys",
};
const OF_A_CALL = ["transfer", "park", "listen", "whisper", "digits", "fetch"];

export default function CallsPage({ query }) {
  useStyle("style/calls.css");
  const calls = useCalls();
  const reach = useReach();
  const [search, setSearch] = useState("");
  const [chosenId, setChosenId] = useState(null);
  const [dialog, setDialog] = useState(query.from ? { name: "place" } : null);
  const searchField = useRef(null);

  const names = (number, call) => nameOf(reach, number, call);
  const shown = search ? calls.filter((call) => matches(call, search, names)) : calls;
  const call = calls.find((one) => one.id === chosenId) ?? null;

  async function at(once, text) {
    try {
      await once;
      say(text);
    } catch (fault) {
      say(fault.message, "bad");
    }
  }

  function go(name, named) {
    if (name === "place" || name === "keys") return setDialog({ name });
    if (!call || call.ended) return undefined;
    const party = named ?? ownParty(call, reach, userOf(call));
    if (name === "hang up") return at(hangUp(call), "The call is hung up.");
    if (name === "hold") {
      const holder = named ?? partiesOf(call).find((one) => one.holds) ?? party;
      return at(hold(call, holder), holder.onHold ? "The talk goes on." : "The party is on hold.");
    }
    if (name === "record") return at(record(call, isRecorded(call), party), isRecorded(call) ? "The recording has ended." : "The call is recorded.");
    const parked = partiesOf(call).find((one) => one.parked) ?? partiesOf(call).find((one) => one.rings);
    if (name === "fetch" && !(named ?? parked)) return say("Nobody rings or is parked in this call.");
    return setDialog({ name, call, party: name === "fetch" ? named ?? parked : party });
  }

  function key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const name = event.key === "/" ? "search" : OF_KEY[event.key.toLowerCase()];
    if (!name) return;
    event.preventDefault();
    if (name === "search") searchField.current.focus();
    else go(name);
  }

  const open = (one) => { location.hash = addressOf("calls", userOf(one), one.id); };
  const close = () => setDialog(null);
  return html`
    <header>
      <div class="row"><h1>Calls</h1> <span class="badge number" aria-label="Live calls">${calls.filter((one) => !one.ended).length}</span>
        <${StreamState} stream=${callStream} /></div>
      <div class="row tools">
        <label class="search"><span class="visually-hidden">Search</span><${Icon} name="search" />
          <input type="search" ref=${searchField} placeholder="Number, name or state" value=${search} onInput=${(event) => setSearch(event.target.value)} /></label>
        <button class="plain icon keys-button" aria-label="Keys" onClick=${() => go("keys")}><kbd>?</kbd></button>
        <button class="primary" onClick=${() => go("place")}><${Icon} name="plus" />Place a call</button>
      </div>
    </header>
    <div class="split">
      <${CallTable} calls=${shown} reach=${reach} chosen=${chosenId} onChoose=${setChosenId} onOpen=${open} onKey=${key}
        nothing=${search ? "No call matches." : "No calls at the moment. Place one, or pick up a phone."} />
      <${CallPanel} call=${call} reach=${reach} onDo=${go} href=${call ? addressOf("calls", userOf(call), call.id) : ""} />
    </div>
    ${dialog?.name === "place" && html`<${PlaceDialog} reach=${reach} first=${query.from} onClose=${close} onPlaced=${(told) => setChosenId(told[0].id)} />`}
    ${dialog?.name === "keys" && html`<${KeysDialog} keys=${KEYS} onClose=${close} />`}
    ${OF_A_CALL.includes(dialog?.name) && html`<${SteerDialog} ...${dialog} reach=${reach} onClose=${close} />`}`;
}

function SteerDialog({ name, ...rest }) {
  const action = name === "whisper" ? "Whisper" : "Monitor";
  const dialogs = {
    transfer: TransferDialog, park: ParkDialog, listen: ListenDialog, whisper: ListenDialog, digits: DigitsDialog, fetch: FetchDialog,
  };
  return html`<${dialogs[name]} ...${rest} action=${action} />`;
}
