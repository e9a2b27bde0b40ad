// A chart as a file in SVG. Pure.

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [900, 300, 56, 40, 36];
const COLOURS = ["#2a56d0", "#8a5200", "#b0241c", "#566273", "#16713f", "#19212c"];

export function svgOf(chart) {
  const most = Math.max(1e-9, ...chart.lines.flatMap((line) => line.values.filter((one) => one !== null)));
  const [first, last] = [chart.seconds[0], chart.seconds.at(-1)];
  const x = (second) => LEFT + ((WIDTH - LEFT - 16) * (second - first)) / Math.max(1, last - first);
  const y = (value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / most;
  const path = (values) => values.map((one, place) => (one === null ? "" : `${place && values[place - 1] !== null ? "L" : "M"}${x(chart.seconds[place]).toFixed(1)} ${y(one).toFixed(1)}`)).join("");
  const lines = chart.lines.map((line, place) => {
    const colour = COLOURS[place % COLOURS.length];
    return `<path d="${path(line.values)}" fill="none" stroke="${colour}" stroke-width="2"/>`
      + `<text x="${LEFT + place * 130}" y="34" fill="${colour}">${escaped(line.name)}</text>`;
  });
  const time = (second) => new Date(second * 1000).toISOString().slice(11, 16);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${LEFT}" y="18" font-weight="bold">${escaped(`${chart.title} ${chart.unit}`.trim())}</text>
<text x="${LEFT - 8}" y="${TOP + 4}" text-anchor="end">${Number(most.toPrecision(3))}</text><text x="${LEFT - 8}" y="${HEIGHT - BOTTOM}" text-anchor="end">0</text>
<text x="${LEFT}" y="${HEIGHT - 12}">${time(first)} UTC</text><text x="${WIDTH - 16}" y="${HEIGHT - 12}" text-anchor="end">${time(last)} UTC</text>
<path d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - 16}" fill="none" stroke="#888"/>
${lines.join("\n")}
</svg>
`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
