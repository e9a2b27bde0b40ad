// A value with a button that copies it.
import { html, useState } from "./html.js";
import { Icon } from "./icons.js";
import { say } from "./said.js";

export function Copyable({ label, value, secret = false }) {
  const [shown, setShown] = useState(!secret);
  async function copy() {
    try {
      await navigator.clipboard.writeText(value);
      say(`${label} is copied.`);
    } catch {
      setShown(true);
      say("The browser does not allow to copy here. Select the text and copy it.", "bad");
    }
  }
  return html`
    <div class="copyable">
      <dt>${label}</dt>
      <dd class="mono">${shown ? value : "•".repeat(12)}</dd>
      <dd class="row">
        ${secret && html`<button class="plain" type="button" aria-pressed=${String(shown)} onClick=${() => setShown(!shown)}>${shown ? "Hide" : "Show"}</button>`}
        <button class="plain icon" type="button" aria-label=${`Copy ${label}`} onClick=${copy}><${Icon} name="copy" /></button>
      </dd>
    </div>`;
}
