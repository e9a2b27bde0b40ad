// The calls of the phone while another page of the console is shown.
import { html } from "../lib/html.js";
import { useValue } from "../lib/value.js";
import { CallCard, CallsSaid } from "./call_card.js";
import { line } from "./line.js";

export function PhoneBar() {
  const { calls } = useValue(line);
  if (!calls.length) return null;
  return html`
    <aside class="phone-bar" aria-label="Calls of the phone">
      <${CallsSaid} calls=${calls} />
      ${calls.map((view) => html`<${CallCard} key=${view.id} view=${view} calls=${calls} />`)}
    </aside>`;
}
