// What has just happened, for a moment on the screen, and for screen readers.
import { html, useEffect } from "./html.js";
import { makeValue, useValue } from "./value.js";

const SHOWN_MS = 6_000;
const said = makeValue(null);

export function say(text, kind = "") {
  said.set({ text, kind });
}

export function Said() {
  const now = useValue(said);
  useEffect(() => {
    if (!now) return undefined;
    const timer = setTimeout(() => said.set(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [now]);
  return html`<div class="said" role="status">${now && html`<p class=${`notice ${now.kind}`}>${now.text}</p>`}</div>`;
}
