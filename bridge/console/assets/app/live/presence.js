// The presence of all extensions in reach: a map from the extended number to what the API tells.
import { useEffect } from "../lib/html.js";
import { makeValue, useValue } from "../lib/value.js";
import { session } from "../session.js";
import { makeSharedStream } from "./shared_stream.js";

const presence = makeValue(new Map());

export const presenceStream = makeSharedStream("uapi/extensions/@all/@self/presence/stream", (type, data) => {
  if (type === "state") presence.set(new Map(data.entry.map((one) => [one.extension, one])));
  if (type !== "presence") return;
  const next = new Map(presence.get());
  next.set(data.extension, { ...next.get(data.extension), ...data });
  presence.set(next);
});

session.follow((now) => {
  if (now) return;
  presenceStream.end();
  presence.set(new Map());
});

export function usePresence() {
  useEffect(() => presenceStream.follow(), []);
  return useValue(presence);
}
