// The tones that a phone makes itself: somebody calls, and the other phone rings.
import { playOnChosenSpeaker } from "./devices.js";
import { remembered, remember } from "./remembered.js";

const TONES = {
  incoming: { hz: [440, 554], lengthS: 1.1, everyMs: 3000, loud: 0.35 },
  outgoing: { hz: [425], lengthS: 1.0, everyMs: 4000, loud: 0.08 },
};
const FADE_S = 0.03;

let context = null;
let playing = null; // { kind, timer, nodes }

export function ringVolume() {
  const text = remembered("ring-volume");
  return text === "" ? 0.8 : Number(text);
}

export function setRingVolume(volume) {
  remember("ring-volume", String(volume));
}

// `kind`: "incoming", "outgoing", or "" for silence.
export function ring(kind) {
  if ((playing?.kind ?? "") === kind) return;
  stop();
  if (!kind) return;
  const volume = kind === "incoming" ? ringVolume() : 1;
  if (volume === 0) return;
  context ??= new AudioContext();
  playOnChosenSpeaker(context);
  context.resume().catch(() => {}); // a page that nobody has clicked in stays silent
  const tone = TONES[kind];
  playing = { kind, nodes: [] };
  const once = () => { playing.nodes = burst(tone, volume); };
  once();
  playing.timer = setInterval(once, tone.everyMs);
}

function stop() {
  if (!playing) return;
  clearInterval(playing.timer);
  for (const node of playing.nodes) node.stop();
  playing = null;
  context?.suspend().catch(() => {});
}

function burst({ hz, lengthS, loud }, volume) {
  const begin = context.currentTime;
  const gain = context.createGain();
  gain.gain.setValueAtTime(0, begin);
  gain.gain.linearRampToValueAtTime(loud * volume, begin + FADE_S);
  gain.gain.setValueAtTime(loud * volume, begin + lengthS - FADE_S);
  gain.gain.linearRampToValueAtTime(0, begin + lengthS);
  gain.connect(context.destination);
  return hz.map((frequency) => {
    const tone = new OscillatorNode(context, { frequency });
    tone.connect(gain);
    tone.start(begin);
    tone.stop(begin + lengthS);
    return tone;
  });
}
