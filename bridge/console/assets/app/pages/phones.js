// The page "Phones".
import { html } from "../lib/html.js";

export default function PhonesPage() {
  return html`<header><h1>Phones</h1></header>`;
}
