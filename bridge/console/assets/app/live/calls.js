// All live calls in reach, as the stream tells them.
import { useEffect } from "../lib/html.js";
import { makeValue, useValue } from "../lib/value.js";
import { session } from "../session.js";
import { makeCallList } from "./call_list.js";
import { makeSharedStream } from "./shared_stream.js";

const list = makeCallList();
const calls = makeValue([]);
let drawing = false;

// Many changes may come within one frame; the page is drawn once for all of them.
function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    calls.set(list.inOrder());
  });
}

export const callStream = makeSharedStream("uapi/phoneCalls/@all/@self/stream", (type, data) => {
  if (list.take(type, data, Date.now())) drawSoon();
});

session.follow((now) => {
  if (now) return;
  callStream.end();
  list.take("state", { entry: [] }, 0);
  calls.set([]);
});

export function useCalls() {
  useEffect(() => {
    const unfollow = callStream.follow();
    const timer = setInterval(() => list.forgetEnded(Date.now()) && drawSoon(), 500);
    return () => {
      unfollow();
      clearInterval(timer);
    };
  }, []);
  return useValue(calls);
}
