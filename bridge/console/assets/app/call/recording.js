// The audio of a call with its waveform and markers. It comes from the Verba API, whose rights are
// not those of the session: the page asks for a key and forgets it with the page.
import { html, useEffect, useRef, useState } from "../lib/html.js";

const BARS = 600;

export function Recording({ id }) {
  const [found, setFound] = useState(null);
  const [fault, setFault] = useState("");

  async function open(event) {
    event.preventDefault();
    const fields = new FormData(event.target);
    try {
      setFault("");
      setFound(await recordingOf(id, String(fields.get("key")).trim()));
    } catch (why) {
      setFault(why.message);
    }
  }

  useEffect(() => () => { if (found) URL.revokeObjectURL(found.url); }, [found]);
  if (found) return html`<${Player} ...${found} />`;
  return html`
    <form class="row" onSubmit=${open}>
      <label>Key of the Verba API <input name="key" type="password" required autocomplete="off" /></label>
      <button class="primary">Show the recording</button>
    </form>
    <p role="alert" class=${fault ? "notice bad" : "visually-hidden"}>${fault}</p>`;
}

function Player({ url, peaks, durationMs, markers }) {
  const audio = useRef(null);
  const [at, setAt] = useState(0);
  const go = (ms) => { audio.current.currentTime = ms / 1000; };
  const x = (ms) => `${(100 * ms) / Math.max(1, durationMs)}%`;
  return html`
    <div class="waveform" onClick=${(event) => go((event.offsetX / event.currentTarget.clientWidth) * durationMs)}>
      <${Waveform} peaks=${peaks} />
      <svg class="marks" aria-hidden="true"><line x1=${x(at)} x2=${x(at)} y1="0" y2="100%" class="now" />
        ${markers.map((one, place) => html`<line key=${place} x1=${x(one.startMs)} x2=${x(one.startMs)} y1="0" y2="100%" class="marker" />`)}</svg>
    </div>
    <audio ref=${audio} controls src=${url} onTimeUpdate=${() => setAt(audio.current.currentTime * 1000)} aria-label="Recording"></audio>
    ${markers.length > 0 && html`<ul class="markers">${markers.map((one, place) => html`
      <li key=${place}><button onClick=${() => go(one.startMs)}>${one.name} <span class="muted number">${(one.startMs / 1000).toFixed(1)} s</span></button></li>`)}</ul>`}`;
}

function Waveform({ peaks }) {
  const path = peaks.map((peak, place) => `M${place + 0.5} ${50 - 48 * peak}V${50 + 48 * peak}`).join("");
  return html`<svg viewBox=${`0 0 ${peaks.length} 100`} preserveAspectRatio="none" role="img" aria-label="Waveform"><path d=${path} /></svg>`;
}

async function recordingOf(id, key) {
  const markers = await verba("GetMarkers", id, key).then((answer) => answer.text()).then(markersOf);
  const answer = await verba("GetMedia", id, key);
  if (!(answer.headers.get("Content-Type") ?? "").startsWith("audio/")) throw faultOf(await answer.text());
  const blob = await answer.blob();
  const decoded = await new OfflineAudioContext(1, 1, 8_000).decodeAudioData(await blob.arrayBuffer());
  return {
    url: URL.createObjectURL(blob), markers,
    peaks: peaksOf(decoded.getChannelData(0), BARS), durationMs: decoded.duration * 1000,
  };
}

// The key goes in the body, so that it is in no log of requests.
function verba(action, callID, apiKey) {
  const body = new URLSearchParams({ action, callID, apiKey });
  return fetch(new URL("../verba/api", document.baseURI), { method: "POST", body });
}

function markersOf(text) {
  const document = new DOMParser().parseFromString(text, "text/xml");
  if (document.querySelector("Response")?.getAttribute("code") !== "0") throw faultOf(text);
  return [...document.querySelectorAll("verbamarker")].map((one) => ({
    name: one.querySelector("name")?.textContent ?? "",
    startMs: Number(one.querySelector("start")?.textContent ?? 0),
  }));
}

function faultOf(text) {
  const document = new DOMParser().parseFromString(text, "text/xml");
  const told = document.querySelector("Response");
  return new Error(told?.querySelector("ErrorMessage")?.textContent || `The Verba API answered ${told?.getAttribute("code") ?? "with nothing to hear"}.`);
}

// The loudest sample of each of `count` stretches, 0 to 1.
export function peaksOf(samples, count) {
  const size = Math.max(1, Math.ceil(samples.length / count));
  const peaks = [];
  for (let begin = 0; begin < samples.length; begin += size) {
    let most = 0;
    for (let at = begin; at < Math.min(samples.length, begin + size); at += 1) most = Math.max(most, Math.abs(samples[at]));
    peaks.push(most);
  }
  return peaks;
}
