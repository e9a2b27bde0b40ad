// Every extension in reach, with its phones, and what they are doing.
import { html, useState } from "../lib/html.js";
import { Icon } from "../lib/icons.js";
import { useStyle } from "../lib/style.js";
import { useCalls } from "../live/calls.js";
import { userOf } from "../live/call_words.js";
import { presenceStream, usePresence } from "../live/presence.js";
import { useReach } from "../live/reach.js";
import { StreamState } from "../live/stream_state.js";
import { heldExtensions, phoneState, registrationsOf, sinceText } from "../phones/phone_words.js";
import { SettingsDialog } from "../phones/settings_dialog.js";

export default function PhonesPage() {
  useStyle("style/phones.css");
  const reach = useReach();
  const presence = usePresence();
  const held = heldExtensions(useCalls(), reach, userOf);
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState(null);

  const words = search.toLowerCase().split(/\s+/);
  const found = (user) => user.extensions.filter((one) => {
    const text = `${one.number} ${one.callerName} ${one.type} ${user.name}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const users = reach.users.map((user) => ({ ...user, found: found(user) })).filter((user) => user.found.length);

  return html`
    <header>
      <div class="row"><h1>Phones</h1> <${StreamState} stream=${presenceStream} /></div>
      <label class="search"><span class="visually-hidden">Search</span><${Icon} name="search" />
        <input type="search" placeholder="Number or name" value=${search} onInput=${(event) => setSearch(event.target.value)} /></label>
    </header>
    ${reach.users.length > 0 && users.length === 0 && html`<p class="empty card">No extension matches.</p>`}
    ${users.map((user) => html`
      <section key=${user.id} aria-labelledby=${`user-${user.id}`}>
        <h2 id=${`user-${user.id}`}>${user.name} <span class="muted">user ${user.id}, organization ${user.organization}</span></h2>
        <ul class="phones">
          ${user.found.map((one) => html`
            <${Phone} key=${one.number} extension=${one} presence=${presence.get(one.number)} held=${held.has(one.number)}
              onShow=${() => setShown(one)} />`)}
        </ul>
      </section>`)}
    ${shown && html`<${SettingsDialog} extension=${shown} onClose=${() => setShown(null)} />`}`;
}

function Phone({ extension, presence, held, onShow }) {
  const { text, kind } = phoneState(extension, presence, held);
  const phones = registrationsOf(extension, presence);
  const isPhone = extension.type === "Phone Terminal";
  return html`
    <li class="card phone">
      <div class="row spread"><h3 class="number">${extension.short}</h3><span class=${`badge ${kind}`}>${text}</span></div>
      <p>${extension.callerName || extension.type} <span class="muted">${extension.callerName && !isPhone ? extension.type : ""}</span></p>
      ${phones.map((phone) => html`
        <p class="registration" key=${phone.address}><span>${phone.agent}</span>
          <span class="muted number">${phone.address} ${sinceText(phone.since)}</span></p>`)}
      ${isPhone && phones.length === 0 && presence && html`<p class="registration muted">No phone is registered.</p>`}
      ${isPhone && html`
        <div class="row foot">
          <button onClick=${onShow} aria-label=${`Set up a phone as ${extension.number}`}>Set up</button>
          <a class="button" href=${`#/calls?from=${encodeURIComponent(extension.number)}`} aria-label=${`Call from ${extension.number}`}>Call</a>
          ${extension.webrtc && html`<a class="button" href=${`#/phone?as=${encodeURIComponent(extension.number)}`}
            aria-label=${`Use this browser as ${extension.number}`}>Use this browser</a>`}
        </div>`}
    </li>`;
}
