// A number as people know it: with the name of its extension.
import { html } from "../lib/html.js";
import { userOf } from "../live/call_words.js";

export function nameOf(reach, number, call) {
  const found = reach.of(number, userOf(call));
  return found ? found.callerName || found.user.name : "";
}

// Short, where all extensions in reach are of one organization.
export function shownNumber(reach, number, call) {
  const found = number && reach.of(number, userOf(call));
  if (!found) return number ?? "–";
  return reach.organizations.length === 1 ? found.short : found.number;
}

export function PartyName({ reach, numbers, call }) {
  const [number, ...more] = numbers;
  if (!number) return html`<span class="muted">–</span>`;
  const name = nameOf(reach, number, call), first = shownNumber(reach, number, call);
  return html`<span class="party">
    ${name && html`<span class="name">${name}</span> `}<span class=${name ? "muted number" : "number"}>${first}</span>
    ${more.length > 0 && html` <span class="muted">+${more.length}</span>`}</span>`;
}
