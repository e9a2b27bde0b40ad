// The answer of the service as charts, and as CSV. Pure.

const NAMES = { answered: "answered", busy: "busy", failed: "failed", "no answer": "no answer", unknown: "unknown", "not allowed": "not allowed" };

// Each chart: name, title, unit, summary, `seconds` of the points, and lines with name and values.
export function chartsOf(told) {
  const seconds = told.concurrent.map((_, place) => (told.fromMs + place * told.intervalMs) / 1000);
  const minutes = told.intervalMs / 60_000;
  const counted = Object.entries(told.calls).filter(([name, values]) => name === "answered" || values.some(Boolean));
  const sums = counted.map(([name, values]) => `${sum(values)} ${NAMES[name] ?? name}`);
  const most = Math.max(0, ...told.concurrent);
  const slowest = Math.max(0, ...told.answerMs.p95.filter((one) => one !== null));
  return [
    {
      name: "calls", title: "Calls", unit: "per minute", seconds, summary: `${sums.join(", ")}.`,
      lines: counted.map(([name, values]) => ({ name: NAMES[name] ?? name, values: values.map((one) => one / minutes) })),
    },
    {
      name: "answer-time", title: "Time to answer", unit: "seconds", seconds, summary: `At most ${(slowest / 1000).toFixed(1)} s for 95 of 100 calls.`,
      lines: [
        { name: "median", values: inSeconds(told.answerMs.median) },
        { name: "95th percentile", values: inSeconds(told.answerMs.p95) },
      ],
    },
    {
      name: "concurrent", title: "Calls at a time", unit: "", seconds, summary: `At most ${most}.`,
      lines: [{ name: "calls", values: told.concurrent }],
    },
  ];
}

export function csvOf(told) {
  const outcomes = Object.keys(told.calls);
  const head = ["time", ...outcomes, "answer_median_ms", "answer_p95_ms", "concurrent"];
  const rows = told.concurrent.map((most, place) => [
    new Date(told.fromMs + place * told.intervalMs).toISOString(),
    ...outcomes.map((name) => told.calls[name][place]),
    told.answerMs.median[place] ?? "", told.answerMs.p95[place] ?? "", most,
  ]);
  return [head, ...rows].map((row) => row.join(",")).join("\r\n") + "\r\n";
}

function inSeconds(values) {
  return values.map((one) => (one === null ? null : one / 1000));
}

function sum(values) {
  return values.reduce((all, one) => all + one, 0);
}
