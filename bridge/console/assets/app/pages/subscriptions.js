// The webhooks of an extension: list, make, test, pause, and what was delivered.
import { api } from "../api.js";
import { html, useEffect, useState } from "../lib/html.js";
import { FormDialog } from "../lib/dialog.js";
import { Icon } from "../lib/icons.js";
import { say } from "../lib/said.js";
import { useStyle } from "../lib/style.js";
import { useReach } from "../live/reach.js";
import { Deliveries } from "../subscriptions/deliveries.js";
import { MakeDialog, SecretDialog } from "../subscriptions/dialogs.js";
import { pathOf, typesText } from "../subscriptions/subscription_words.js";

export default function SubscriptionsPage() {
  useStyle("style/subscriptions.css");
  const extensions = useReach().users.flatMap((user) => user.extensions.map((one) => ({ ...one, user })));
  const [number, setNumber] = useState("");
  const extension = extensions.find((one) => one.number === number) ?? extensions[0] ?? null;
  const [found, look] = useSubscriptions(extension);
  const [opened, setOpened] = useState("");
  const [dialog, setDialog] = useState(null);

  async function at(once, text) {
    try {
      say(await once.then(text));
    } catch (why) {
      say(why.message, "bad");
    }
    look();
  }

  return html`
    <header>
      <h1>Subscriptions</h1>
      <div class="row">
        <label class="row">Extension <select value=${extension?.number} onChange=${(event) => setNumber(event.target.value)}>
          ${extensions.map((one) => html`<option key=${one.number} value=${one.number}>${one.number} ${one.callerName}</option>`)}</select></label>
        <button class="primary" disabled=${!extension} onClick=${() => setDialog({ name: "make" })}><${Icon} name="plus" />New subscription</button>
      </div>
    </header>
    ${found.fault && html`<p class="notice bad" role="alert">${found.fault}</p>`}
    ${found.entry?.length === 0 && html`<p class="empty card">No URL hears of the calls of this extension.</p>`}
    <ul class="subscriptions">
      ${(found.entry ?? []).map((one) => html`
        <li key=${one.id} class="card" aria-label=${`Subscription ${one.id}`}>
          <div class="row spread">
            <strong class="url">${one.url}</strong>
            <span class=${`badge ${one.status === "1" ? "good" : "warn"}`}>${one.status === "1" ? "sends" : "paused"}</span>
          </div>
          <p class="muted">${typesText(one.type)}${one.note ? ` · ${one.note}` : ""}</p>
          <div class="row">
            <button onClick=${() => at(api.post(`${pathOf(extension, one)}/test`), (told) => `The receiver answered ${told.status ?? told.error}.`)}>Test</button>
            <button onClick=${() => at(api.put(pathOf(extension, one), { status: one.status === "1" ? "0" : "1" }), () => (one.status === "1" ? "It is paused." : "It sends again."))}>${one.status === "1" ? "Pause" : "Go on"}</button>
            <button aria-expanded=${String(opened === one.id)} onClick=${() => setOpened(opened === one.id ? "" : one.id)}>Deliveries</button>
            <button class="danger" onClick=${() => setDialog({ name: "remove", one })}>Remove</button>
          </div>
          ${opened === one.id && html`<${Deliveries} path=${pathOf(extension, one)} />`}
        </li>`)}
    </ul>
    ${dialog?.name === "make" && html`<${MakeDialog} extension=${extension} onClose=${() => setDialog((now) => (now?.name === "make" ? null : now))} onMade=${(secret) => { look(); setDialog({ name: "secret", secret }); }} />`}
    ${dialog?.name === "secret" && html`<${SecretDialog} secret=${dialog.secret} onClose=${() => setDialog(null)} />`}
    ${dialog?.name === "remove" && html`<${RemoveDialog} url=${dialog.one.url} onClose=${() => setDialog(null)}
      onRemove=${async () => { await api.delete(pathOf(extension, dialog.one)); look(); }} />`}`;
}

function RemoveDialog({ url, onRemove, onClose }) {
  return html`<${FormDialog} title="Remove the subscription" action="Remove" danger=${true} onSubmit=${onRemove} onClose=${onClose}>
    <p>${url} hears of no more calls. Events that wait for it are given up.</p><//>`;
}

// What is subscribed, and a function that looks again.
function useSubscriptions(extension) {
  const [found, setFound] = useState({ entry: null, fault: "" });
  const [count, setCount] = useState(0);
  const path = extension && pathOf(extension);
  useEffect(() => {
    if (!path) return undefined;
    let over = false;
    api.get(path, { count: 200 }).then(
      (told) => { if (!over) setFound({ entry: told.entry, fault: "" }); },
      (why) => { if (!over) setFound({ entry: null, fault: why.message }); },
    );
    return () => { over = true; };
  }, [path, count]);
  return [found, () => setCount((before) => before + 1)];
}
