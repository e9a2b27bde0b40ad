// Microphone and speaker: the ones there are, the ones that were chosen, and why there is none.
import { makeValue } from "../lib/value.js";
import { remembered, remember } from "./remembered.js";

export const devices = makeValue({
  microphones: [],
  speakers: [],
  microphone: remembered("microphone"),
  speaker: remembered("speaker"),
});

export const canChooseSpeaker = "setSinkId" in HTMLMediaElement.prototype;

// Why the browser gives no microphone to this page at all; empty if it may.
export function whyNoMicrophone() {
  if (window.isSecureContext && navigator.mediaDevices) return "";
  return "The browser gives no microphone to a page of this address. Open the console with https, or on the machine itself with http://localhost.";
}

const REASONS = {
  NotAllowedError: "The browser may not use the microphone. Allow it for this page, then try again.",
  NotFoundError: "There is no microphone. Connect one, then try again.",
  NotReadableError: "Another program uses the microphone. End it there, then try again.",
};

// The stream of the chosen microphone; of any, if the chosen one is gone. Throws an Error for people.
export async function openMicrophone() {
  const why = whyNoMicrophone();
  if (why) throw new Error(why);
  const { microphone } = devices.get();
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  try {
    return await opened(microphone ? { ...audio, deviceId: { exact: microphone } } : audio);
  } catch (fault) {
    if (fault.name === "OverconstrainedError") return opened(audio).catch(explain);
    return explain(fault);
  }
}

function explain(fault) {
  throw new Error(REASONS[fault.name] ?? `The microphone cannot be used (${fault.name}).`);
}

async function opened(audio) {
  const stream = await navigator.mediaDevices.getUserMedia({ audio });
  await listDevices(); // their names are known now
  return stream;
}

export async function listDevices() {
  if (!navigator.mediaDevices) return;
  const found = await navigator.mediaDevices.enumerateDevices();
  const of = (kind) => found.filter((x) => x.kind === kind && x.deviceId)
    .map((x, place) => ({ id: x.deviceId, name: x.label || `Device ${place + 1}` }));
  devices.set({ ...devices.get(), microphones: of("audioinput"), speakers: of("audiooutput") });
}

export function chooseDevice(kind, id) {
  remember(kind, id);
  devices.set({ ...devices.get(), [kind]: id });
}

// Follow the chosen speaker with an element or a context of audio; one that is gone is not used.
export function playOnChosenSpeaker(target) {
  const { speaker } = devices.get();
  if (typeof target.setSinkId === "function") target.setSinkId(speaker).catch(() => {});
}

navigator.mediaDevices?.addEventListener?.("devicechange", () => listDevices().catch(() => {}));
