// The console: who is signed in, and the page that the address names.
import { html, render } from "./lib/html.js";
import { useValue } from "./lib/value.js";
import { begin, session } from "./session.js";
import { Shell } from "./shell.js";
import { SignIn } from "./sign_in.js";

function Console() {
  const who = useValue(session);
  return who ? html`<${Shell} session=${who} />` : html`<${SignIn} />`;
}

await begin();
render(html`<${Console} />`, document.getElementById("console"));
