// The page "Subscriptions".
import { html } from "../lib/html.js";

export default function SubscriptionsPage() {
  return html`<header><h1>Subscriptions</h1></header>`;
}
