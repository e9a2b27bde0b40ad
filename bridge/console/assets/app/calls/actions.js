// What can be done with a call, as requests of the API.
import { api } from "../api.js";
import { partiesOf, pathOf } from "../live/call_words.js";

// Of an action that one party does, the party whose extension is in reach; else the first.
export function ownParty(call, reach, userId) {
  const parties = partiesOf(call);
  return parties.find((party) => party.extension && reach.of(party.extension, userId)) ?? parties[0] ?? null;
}

export const act = (call, action, fields = {}) => api.put(pathOf(call), { action, ...fields });

export const hangUp = (call) => api.delete(pathOf(call));

export function hold(call, party) {
  return act(call, party.onHold ? "OffHold" : "OnHold", { phoneCallViewId: party.viewId });
}

export function record(call, recorded, party) {
  return act(call, recorded ? "StopRecording" : "StartRecording", party ? { phoneCallViewId: party.viewId } : {});
}

// The fields of the form, as the API has them. Empty ones are left out.
export function createRequest(fields, payer) {
  const text = (name) => String(fields.get(name) ?? "").trim();
  const given = (names) => Object.fromEntries(names.map((name) => [name, text(name)]).filter(([, value]) => value));
  const numbers = (name) => text(name).split(/[,;\n]/).map((one) => one.trim()).filter(Boolean);
  const view = {
    source: numbers("source"),
    destination: numbers("destination"),
    ...given(["callerId", "callerIdDestination"]),
  };
  const metadata = text("metadata");
  return {
    path: `uapi/phoneCalls/${payer.user.id}/simple`,
    query: {
      ...given(["waitForPickup", "callDuration", "recording"]),
      ...Object.fromEntries(["allowPublicTransfer", "video"].filter((name) => fields.has(name)).map((name) => [name, "true"])),
    },
    body: {
      extension: payer.number,
      phoneCallView: [view],
      ...given(["nonce", "statusUrl"]),
      ...(metadata ? { metadata: parsed(metadata) } : {}),
    },
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("Metadata must be a JSON object, for example {\"ticket\": 4711}.");
  }
}
