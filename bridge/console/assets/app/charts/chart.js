// One chart, drawn by uPlot in the colours of the page.
import uPlot from "uplot";
import { html, useEffect, useRef } from "../lib/html.js";

const HEIGHT_PX = 190;
const COLOURS = ["--accent", "--warn", "--bad", "--muted", "--good", "--text"];

export function Chart({ chart }) {
  const place = useRef(null);
  const drawn = useRef(null);
  const lines = chart.lines.map((line) => line.name).join("|");
  useEffect(() => {
    const element = place.current;
    const draw = () => {
      drawn.current?.destroy();
      drawn.current = new uPlot(options(chart, element.clientWidth), data(chart), element);
    };
    draw();
    const resized = new ResizeObserver(() => drawn.current?.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    resized.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    return () => {
      resized.disconnect();
      dark.removeEventListener("change", draw);
      drawn.current?.destroy();
      drawn.current = null;
    };
  }, [lines]);
  useEffect(() => drawn.current?.setData(data(chart)), [chart]);
  return html`<div class="plot" ref=${place} role="img" aria-label=${`${chart.title}: ${chart.summary}`}></div>`;
}

function data(chart) {
  return [chart.seconds, ...chart.lines.map((line) => line.values)];
}

function options(chart, width) {
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement("span");
  document.body.append(probe);
  const colour = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: `12px ${style.fontFamily}` };
  const series = chart.lines.map((line, place) => ({
    label: line.name, stroke: colour(COLOURS[place % COLOURS.length]), width: 2, points: { show: false }, spanGaps: false,
    paths: uPlot.paths.stepped({ align: 1 }),
  }));
  probe.remove();
  return {
    width, height: HEIGHT_PX, series: [{}, ...series], axes: [axis, { ...axis, size: 46 }],
    scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } }, cursor: { y: false },
  };
}
