// A number as people know it: with the name of its extension.
import { html } from "../lib/html.js";
import { userOf } from "../live/call_words.js";

export function nameOf(reach, number, call) {
  const found = reach.of(number, userOf(call));
  return found ? found.callerName || found.user.name : "";
}

export function PartyName({ reach, numbers, call }) {
  const [first, ...more] = numbers;
  if (!first) return html`<span class="muted">–</span>`;
  const name = nameOf(reach, first, call);
  return html`<span class="party">
    ${name && html`<span class="name">${name}</span> `}<span class=${name ? "muted number" : "number"}>${first}</span>
    ${more.length > 0 && html` <span class="muted">+${more.length}</span>`}</span>`;
}
