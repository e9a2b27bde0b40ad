// One stream for all parts of the page that follow it. It is open while somebody follows and the
// page can be seen: a browser has few connections to one host, and each tab needs its own.
import { makeValue } from "../lib/value.js";
import { openStream } from "../stream.js";

const LINGERING_MS = 5_000; // from page to page of the console
const HIDDEN_MS = 30_000;

// `take(type, data)` gets each event. `state` is "closed", "waiting" or "open".
export function makeSharedStream(path, take) {
  const state = makeValue("closed");
  let followers = 0, close = null, timer = 0;

  function decide() {
    clearTimeout(timer);
    const wanted = followers > 0 && !document.hidden;
    if (wanted && !close) {
      state.set("waiting");
      close = openStream(path, { onEvent: take, onState: state.set });
    } else if (!wanted && close) {
      timer = setTimeout(end, followers > 0 ? HIDDEN_MS : LINGERING_MS);
    }
  }

  function end() {
    close?.();
    close = null;
    state.set("closed");
  }

  document.addEventListener("visibilitychange", decide);
  return {
    state,
    // Returns the function that ends following.
    follow() {
      followers += 1;
      decide();
      return () => {
        followers -= 1;
        decide();
      };
    },
    end,
  };
}
