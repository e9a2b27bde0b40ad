// Says when what is on the page may be old.
import { html, useEffect, useState } from "../lib/html.js";
import { useValue } from "../lib/value.js";

const PATIENCE_MS = 1_500;

export function StreamState({ stream }) {
  const state = useValue(stream.state);
  const [late, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    if (state === "open") return undefined;
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [state]);
  if (state === "open") return html`<span class="badge good"><span class="dot"></span>Live</span>`;
  return late ? html`<span class="badge warn" role="status">Connecting again …</span>` : null;
}
