// What a phone is doing, in words. Pure: what the API tells of presence and calls goes in.

const [UNKNOWN, ONLINE, RINGING, BUSY] = ["0", "1", "2", "3"];
const HAS_PHONES = "Phone Terminal";

// `kind` chooses the colour.
export function phoneState(extension, presence, held) {
  const status = presence?.status;
  if (held) return { text: "On hold", kind: "warn" };
  if (status === BUSY) return { text: "On call", kind: "accent" };
  if (status === RINGING) return { text: "Ringing", kind: "warn" };
  if (status === ONLINE) return { text: extension.type === HAS_PHONES ? "Free" : "Ready", kind: "good" };
  if (status === UNKNOWN) return { text: extension.type === HAS_PHONES ? "Not there" : "Unattended", kind: "" };
  return { text: "…", kind: "" };
}

// One line for each phone that is registered; empty for an extension without phones of its own.
export function registrationsOf(extension, presence) {
  if (extension.type !== HAS_PHONES) return [];
  return (presence?.registration ?? []).filter((one) => one.agent || one.address).map((one) => ({
    agent: one.agent ?? "in pjsip.conf", address: one.address ?? "", since: one.since ?? "", expire: one.expire ?? "",
  }));
}

// The extensions that hold, or are held: of all views of all live calls.
export function heldExtensions(calls, reach, userOf) {
  const held = new Set();
  for (const call of calls) {
    if (call.ended) continue;
    for (const view of call.phoneCallView ?? []) {
      if (!view.onHold || !view.extension) continue;
      const found = reach.of(view.extension, userOf(call));
      if (found) held.add(found.number);
    }
  }
  return held;
}

// `since 14:36`, with the day if that is another one.
export function sinceText(date, now = new Date()) {
  if (!date) return "";
  const moment = new Date(date);
  const time = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const sameDay = moment.toDateString() === now.toDateString();
  return `since ${sameDay ? time : `${moment.toLocaleDateString([], { month: "short", day: "numeric" })}, ${time}`}`;
}

// The line of baresip's file `accounts`.
export function baresipAccount({ user, server, password, name }) {
  const shown = name ? `"${name}" ` : "";
  return `${shown}<sip:${user}@${server};transport=udp>;auth_user=${user};auth_pass=${password};regint=300`;
}
