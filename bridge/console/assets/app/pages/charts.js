// Ended calls of the last hours: how many by outcome, how fast answered, how many at a time.
import { api } from "../api.js";
import { html, useEffect, useState } from "../lib/html.js";
import { useStyle } from "../lib/style.js";
import { Chart } from "../charts/chart.js";
import { chartsOf, csvOf } from "../charts/chart_data.js";
import { svgOf } from "../charts/chart_svg.js";
import { save } from "../charts/saving.js";

const LOOK_AGAIN_MS = 30_000;

export default function ChartsPage() {
  useStyle("vendor/uplot/uPlot.min.css");
  useStyle("style/charts.css");
  const [hours, setHours] = useState("24");
  const { told, fault } = useTold(hours);

  return html`
    <header>
      <h1>Charts</h1>
      <div class="row">
        <label class="row">Hours <select value=${hours} onChange=${(event) => setHours(event.target.value)}>
          ${["1", "6", "24"].map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select></label>
        <button disabled=${!told} onClick=${() => save("calls.csv", "text/csv", csvOf(told))}>Save as CSV</button>
      </div>
    </header>
    ${fault && html`<p class="notice bad" role="alert">${fault}</p>`}
    ${told?.truncated && html`<p class="notice">There are more calls than these charts read. The newest count.</p>`}
    ${told && chartsOf(told).map((chart) => html`
      <section key=${chart.name} class="card chart" aria-labelledby=${`chart-${chart.name}`}>
        <div class="row spread"><h2 id=${`chart-${chart.name}`}>${chart.title} <span class="muted">${chart.unit}</span></h2>
          <button aria-label=${`Save as SVG: ${chart.title}`} onClick=${() => save(`${chart.name}.svg`, "image/svg+xml", svgOf(chart))}>Save as SVG</button></div>
        <p class="muted" data-sum=${chart.name}>${chart.summary}</p>
        <${Chart} chart=${chart} />
      </section>`)}`;
}

function useTold(hours) {
  const [found, setFound] = useState({ told: null, fault: "" });
  useEffect(() => {
    let timer, over = false;
    async function look() {
      try {
        const told = await api.get("console/charts", { hours });
        if (!over) setFound({ told, fault: "" });
      } catch (why) {
        if (!over) setFound((before) => ({ ...before, fault: why.message }));
      }
      if (!over) timer = setTimeout(look, LOOK_AGAIN_MS);
    }
    look();
    return () => { over = true; clearTimeout(timer); };
  }, [hours]);
  return found;
}
