// What the page of one call shows as text. Pure.
import { fromOf, pathOf, toOf, userOf } from "../live/call_words.js";

export function madeByApp(timeline) {
  return (timeline?.entry ?? []).some((entry) => entry.type === "accepted");
}

export function webhooksOf(timeline) {
  return (timeline?.entry ?? []).filter((entry) => entry.type === "webhook");
}

// The quality of each party, as far as the service knows it.
export function qualityOf(call) {
  return (call.phoneCallView ?? []).filter((view) => view.quality).map((view) => ({ party: view.extension ?? view.id, ...view.quality }));
}

// A request that makes such a call once more, for a shell with URL and TOKEN.
export function curlOf(call) {
  const view = { source: fromOf(call), destination: toOf(call) };
  const body = { ...(call.extension ? { extension: call.extension } : {}), phoneCallView: [view], ...(call.metadata ? { metadata: call.metadata } : {}) };
  const [api] = pathOf(call).split("/phoneCalls/");
  const url = `$URL/${api}/phoneCalls/${userOf(call)}/simple`;
  return `curl "${url}" -H "Authorization: Bearer $TOKEN" -d ${quoted(JSON.stringify(body))}`;
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
