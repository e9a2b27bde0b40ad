// The choice of microphone, speaker and ringtone.
import { html, useEffect, useState } from "../lib/html.js";
import { useValue } from "../lib/value.js";
import { canChooseSpeaker, chooseDevice, devices, listDevices, openMicrophone } from "./devices.js";
import { ring, ringVolume, setRingVolume } from "./ringing.js";

const RING_TEST_MS = 1400;

export function DeviceForm() {
  const known = useValue(devices);
  const [fault, setFault] = useState("");
  const [volume, setVolume] = useState(ringVolume());
  useEffect(() => { listDevices().catch(() => {}); }, []);

  async function allow() {
    setFault("");
    try {
      for (const track of (await openMicrophone()).getTracks()) track.stop();
    } catch (why) {
      setFault(why.message);
    }
  }

  function tryRing() {
    ring("incoming");
    setTimeout(() => ring(""), RING_TEST_MS);
  }

  return html`
    <details class="card devices">
      <summary>Microphone, speaker, ringtone</summary>
      <div class="fields">
        ${fault && html`<p class="notice bad" role="alert">${fault}</p>`}
        <${Chooser} kind="microphone" title="Microphone" known=${known.microphones} chosen=${known.microphone} />
        ${canChooseSpeaker
          ? html`<${Chooser} kind="speaker" title="Speaker" known=${known.speakers} chosen=${known.speaker} />`
          : html`<p class="muted">This browser plays on the speaker of the system.</p>`}
        <label>Volume of the ringtone
          <input type="range" name="ring-volume" min="0" max="1" step="0.1" value=${volume}
            onInput=${(event) => { setVolume(event.target.value); setRingVolume(event.target.value); }} /></label>
        <div class="row">
          <button type="button" onClick=${tryRing}>Play the ringtone</button>
          <button type="button" onClick=${allow}>Try the microphone</button>
        </div>
      </div>
    </details>`;
}

function Chooser({ kind, title, known, chosen }) {
  const there = known.some((device) => device.id === chosen);
  return html`
    <label>${title}
      <select name=${kind} value=${there ? chosen : ""} onChange=${(event) => chooseDevice(kind, event.target.value)}>
        <option value="">As the system has it</option>
        ${known.filter((device) => device.id !== "default").map((device) => html`
          <option key=${device.id} value=${device.id}>${device.name}</option>`)}
      </select></label>`;
}
