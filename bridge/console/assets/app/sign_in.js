// The form that signs in.
import { html, useState } from "./lib/html.js";
import { signIn, takeProblem } from "./session.js";

export function SignIn() {
  const [fault, setFault] = useState(takeProblem);
  const [busy, setBusy] = useState(false);
  const [asUser, setAsUser] = useState(false);

  async function submit(event) {
    event.preventDefault();
    const fields = new FormData(event.target);
    setBusy(true);
    setFault("");
    try {
      await signIn(asUser
        ? { user: fields.get("user").trim(), password: fields.get("password") }
        : { clientId: fields.get("clientId").trim(), clientSecret: fields.get("clientSecret") });
    } catch (why) {
      setFault(why.message);
      setBusy(false);
    }
  }

  const choice = (name, chosen, choose) => html`
    <label class="check"><input type="radio" name="as" checked=${chosen} onChange=${choose} /> ${name}</label>`;

  return html`
    <main class="sign-in">
      <form class="card" onSubmit=${submit}>
        <div class="brand"><img src="style/icon.svg" alt="" /> <h1>uapi-bridge console</h1></div>
        <p role="alert" class=${fault ? "notice bad" : ""}>${fault}</p>
        <div class="choice" role="radiogroup" aria-label="Sign in as">
          ${choice("An app", !asUser, () => setAsUser(false))}
          ${choice("A user", asUser, () => setAsUser(true))}
        </div>
        ${asUser ? html`<div class="fields" key="user">
          <label>User <span class="hint">id, or an extension as in 0003*210</span>
            <input name="user" autocomplete="username" autocapitalize="none" spellcheck=${false} required />
          </label>
          <label>Password
            <input name="password" type="password" autocomplete="current-password" required />
          </label>
        </div>` : html`<div class="fields" key="app">
          <label>Client id <span class="hint">of an app in the directory</span>
            <input name="clientId" autocomplete="username" autocapitalize="none" spellcheck=${false} required autofocus />
          </label>
          <label>Secret
            <input name="clientSecret" type="password" autocomplete="current-password" required />
          </label>
        </div>`}
        <button class="primary" disabled=${busy}>Sign in</button>
        <p class="muted">You see and do what the API allows this app or user. On the machine that runs
          <code> make serve</code>, the link in its greeting signs in once.</p>
      </form>
    </main>`;
}
