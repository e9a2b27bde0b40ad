// The calls that a stream has told, in order; without a page, so that it can be tested by itself.
// A call that has ended stays for a moment, so that one sees how it ended.

export const SHOWN_AFTER_END_MS = 4_000;

export function makeCallList() {
  let calls = new Map();

  return {
    // Take one event; returns whether anything is different.
    take(type, data, nowMs) {
      if (type === "state") {
        calls = new Map(data.entry.map((call) => [call.id, call]));
        return true;
      }
      if (type === "gone") return calls.delete(data.id);
      if (type !== "call") return false;
      if (data.ended && !calls.has(data.id)) return false;
      calls.set(data.id, data.ended ? { ...data, shownUntilMs: nowMs + SHOWN_AFTER_END_MS } : data);
      return true;
    },

    // Forget the calls that ended a while ago; returns whether there were any.
    forgetEnded(nowMs) {
      let gone = false;
      for (const [id, call] of calls) {
        if (call.shownUntilMs <= nowMs) gone = calls.delete(id) || gone;
      }
      return gone;
    },

    // The oldest call first: rows do not move while one reads them.
    inOrder: () => [...calls.values()].sort(byBegin),
  };
}

function byBegin(one, other) {
  return one.publishedMs - other.publishedMs || (one.id < other.id ? -1 : 1);
}
