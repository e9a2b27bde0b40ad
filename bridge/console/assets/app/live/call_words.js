// What a call is, in words of people. Pure: a call of the API goes in.

const ON_CALL = 5, RINGING = 3;
const DISPOSITIONS = ["Answered", "Busy", "Failed", "No answer", "Ended"];

// `kind` chooses the colour: good, warn, accent, bad or nothing.
export function stateOf(call) {
  if (call.ended) return { text: DISPOSITIONS[call.disposition] ?? "Ended", kind: call.disposition === 0 ? "" : "bad" };
  const views = call.phoneCallView ?? [];
  if (views.some((view) => view.parked)) return { text: "Parked", kind: "warn" };
  if (views.some((view) => view.onHold)) return { text: "On hold", kind: "warn" };
  if (call.takenBy === "voicemail") return { text: "Voicemail", kind: "accent" };
  if (call.answeredMs) return { text: "Talking", kind: "good" };
  if (views.some((view) => view.status === RINGING)) return { text: "Ringing", kind: "accent" };
  if (views.some((view) => view.status === ON_CALL)) return { text: "Connecting", kind: "accent" };
  return { text: "Dialling", kind: "" };
}

// One party of the call for each view: its id, its number, and what it does now.
export function partiesOf(call) {
  return (call.phoneCallView ?? []).map((view, place) => ({
    viewId: view.id,
    extension: view.extension ?? null,
    number: view.extension ?? (place === 0 ? view.source : view.destination)?.[0] ?? "",
    state: call.ended ? "" : partyState(view),
    onHold: Boolean(view.onHold),
    holds: Boolean(view.onHold) && view.holder === 1,
    parked: Boolean(view.parked),
    parkedPlace: view.parkedPos,
    talks: view.status === ON_CALL,
    rings: view.status === RINGING,
  }));
}

function partyState(view) {
  if (view.parked) return view.parkedPos ? `parked at ${view.parkedPos}` : "parked";
  if (view.onHold) return view.holder === 1 ? "holds" : "on hold";
  if (view.muted) return "muted";
  return ["not dialled yet", "off hook", "is dialled", "rings", "hears ringing", "on call"][view.status] ?? "";
}

export function fromOf(call) {
  return call.phoneCallView?.[0]?.source ?? [];
}

export function toOf(call) {
  return call.phoneCallView?.[0]?.destination ?? [];
}

export function isRecorded(call) {
  return !call.ended && (call.phoneCallView ?? []).some((view) => view.recording);
}

// Since when the seconds count: of talk once there is one, until then of ringing.
export function beganMs(call) {
  return call.answeredMs ?? call.publishedMs;
}

// `1:05`, `1:02:03`.
export function durationText(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

// The path of a call in the API: `uapi/phoneCalls/12/0003*210/c3e9…`.
export function pathOf(call) {
  const [, rest] = new URL(call.links.self).pathname.split("/uapi/");
  return `uapi/${rest}`;
}

export function userOf(call) {
  return pathOf(call).split("/")[2];
}

// Whether each word of the search is somewhere in the call. `names`: a number as people know it.
export function matches(call, search, names) {
  const text = [...fromOf(call), ...toOf(call), call.extension, call.id, stateOf(call).text]
    .map((number) => `${number} ${names(number, call)}`).join(" ").toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}
