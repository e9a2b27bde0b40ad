// A stream of server-sent events that goes on after each break. EventSource cannot send a header,
// and a session needs one; so it is read with fetch.
import { request } from "./api.js";
import { makeEventReader } from "./lib/event_text.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

// `onEvent(type, data)` for each event, `onState("open" | "waiting")` for the connection.
// Returns the function that ends it.
export function openStream(path, { onEvent, onState = () => {}, query = {} }) {
  const ending = new AbortController();
  run(path, query, onEvent, onState, ending.signal);
  return () => ending.abort();
}

async function run(path, query, onEvent, onState, signal) {
  let lastId = "";
  let waitMs = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const headers = lastId ? { "Last-Event-ID": lastId } : {};
      const answer = await request("GET", path, { query, headers, signal });
      onState("open");
      const read = makeEventReader((event) => {
        lastId = event.id || lastId;
        waitMs = FIRST_WAIT_MS;
        onEvent(event.type, JSON.parse(event.data));
      });
      const text = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await text.read();
        if (done) break;
        read(value);
      }
    } catch (fault) {
      if (signal.aborted || fault.status === 401 || fault.status === 403) return;
    }
    onState("waiting");
    await pause(waitMs, signal);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

function pause(ms, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });
}
