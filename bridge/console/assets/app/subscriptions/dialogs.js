// Making a subscription, and the secret that is told once.
import { request } from "../api.js";
import { Copyable } from "../lib/copy.js";
import { Dialog, FormDialog } from "../lib/dialog.js";
import { html } from "../lib/html.js";
import { TYPES, bodyOf, pathOf } from "./subscription_words.js";

const FORMATS = [["form", "POST, as a form"], ["json", "POST, as JSON"], ["get", "GET"]];

export function MakeDialog({ extension, onClose, onMade }) {
  async function make(fields) {
    const answer = await request("POST", pathOf(extension), { body: bodyOf(fields) });
    setTimeout(() => onMade(answer.headers.get("X-Event-Secret") ?? ""));
  }
  return html`
    <${FormDialog} title=${`New subscription of ${extension.number}`} action="Subscribe" onSubmit=${make} onClose=${onClose}>
      <label>URL <input name="url" type="url" required placeholder="https://example.com/hook" /></label>
      <fieldset><legend>Events</legend>
        ${TYPES.map(([type, name]) => html`<label class="check" key=${type}><input type="checkbox" name="type" value=${type} checked=${type === "2"} />${name}</label>`)}
      </fieldset>
      <label>Sent as <select name="format">${FORMATS.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}</select></label>
      <label>Note <span class="hint">optional</span><input name="note" maxlength="255" /></label>
    <//>`;
}

export function SecretDialog({ secret, onClose }) {
  return html`
    <${Dialog} title="The secret of the subscription" onClose=${onClose}>
      <div class="body">
        <p>It signs each event. It is told now, and not again.</p>
        <dl><${Copyable} label="secret" value=${secret} secret=${true} /></dl>
      </div>
      <footer><button class="primary" onClick=${onClose}>Done</button></footer>
    <//>`;
}
