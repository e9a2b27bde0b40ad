// The SIP settings of one phone: to copy, and as a QR code for Linphone.
import { api } from "../api.js";
import { html, useEffect, useState } from "../lib/html.js";
import { Copyable } from "../lib/copy.js";
import { Dialog } from "../lib/dialog.js";
import { QrCode } from "../lib/qr.js";
import { baresipAccount } from "./phone_words.js";

export function SettingsDialog({ extension, onClose }) {
  const [settings, setSettings] = useState(null);
  const [address, setAddress] = useState("");
  const [fault, setFault] = useState("");
  const path = `console/phones/${encodeURIComponent(extension.number)}`;

  useEffect(() => {
    api.get(path).then(setSettings, (why) => setFault(why.message));
  }, [path]);

  const makeCode = () => api.post(`${path}/provisioning`).then(({ url }) => setAddress(url), (why) => setFault(why.message));
  return html`
    <${Dialog} title=${`Set up a phone as ${extension.number}`} onClose=${onClose}>
      <div class="body">
        ${fault && html`<p class="notice bad" role="alert">${fault}</p>`}
        ${settings && html`
          <dl class="settings">
            ${settings.server
    ? html`<${Copyable} label="SIP server" value=${settings.server} />`
    : html`<div class="copyable"><dt>SIP server</dt><dd>your own Asterisk</dd></div>`}
            <${Copyable} label="User name" value=${settings.user} />
            ${settings.password && html`<${Copyable} label="Password" value=${settings.password} secret=${true} />`}
            <div class="copyable"><dt>Transport</dt><dd>${settings.transports.join(", ")}</dd></div>
          </dl>
          ${settings.passwordNotShown && html`<p class="notice">${settings.passwordNotShown}</p>`}
          ${settings.password && settings.server && html`
            <section class="stack small"><h2>Linphone</h2>
              ${address ? html`
                <div class="with-code"><${QrCode} text=${address} label="QR code with the address of the settings" />
                  <p class="muted">In Linphone choose “Scan QR code”. The code works once, within ten minutes. The phone must
                    reach this address:<br /><code>${new URL(address).origin}</code></p></div>`
    : html`<p><button type="button" onClick=${makeCode}>Make a QR code</button></p>`}
            </section>
            <section class="stack small"><h2>baresip</h2>
              <dl class="settings"><${Copyable} label="Line of the file accounts" value=${baresipAccount({ ...settings })} secret=${true} /></dl>
            </section>`}`}
      </div>
    <//>`;
}
