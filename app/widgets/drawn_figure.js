/**
 * A Plotly figure, drawn once a change into the chart that stands there already.
 *
 * data: { script, figure, config, fullscreen }: `script` is Plotly's address, `figure` JSON, or
 * null for nothing but to have the script fetched; `fullscreen` the title of that button.
 * A click on a point sends the trigger "selection": { x, y, customdata }.
 */
const WIDTH_AT_LEAST = 150;
/** Of A4 paper that lies, within its margins: pixels at 96 an inch. */
const PAPER_WIDTH = 1030;
const ENLARGE =
  "M32 32v128h64V96h64V32H32zm0 320v128h128v-64H96v-64H32zM288 32v64h64v64h64V32H288zm64 320v64h-64v64h128V352h-64z";
const charts = new WeakMap();

export default newest((component) => {
  const { parentElement, data, setTriggerValue } = component;
  window.plainviewPlotly ??= fetched(data.script);
  if (data.figure === null) return undefined;
  const place = parentElement.querySelector(".drawn-figure");
  const chart = charts.get(place) ?? newChart(place);
  chart.tell = (point) => setTriggerValue("selection", point);
  // A rerun of the page brings the same figure again, which stays as it was zoomed.
  if (chart.shown !== data.figure) {
    chart.shown = data.figure;
    const { data: traces, layout } = JSON.parse(data.figure);
    chart.config ??= configured(data, place);
    named(chart.config, place, data.config);
    chart.figure = { data: traces, layout, config: chart.config };
    chart.height = layout.height ?? 450;
    place.setAttribute("role", "figure");
    place.setAttribute("aria-label", layout.title?.text ?? "");
    place.style.height = `${chart.height}px`;
    draw(place, chart);
  }
  return () => {
    // Streamlit calls this when the element goes, and not before each change.
    chart.watch.disconnect();
    removeEventListener("beforeprint", chart.fit);
    removeEventListener("afterprint", chart.unfit);
    charts.delete(place);
    window.plainviewPlotly.then((Plotly) => place.isConnected || Plotly.purge(place));
  };
});

function fetched(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.type = "module"; // which a browser compiles when it is told of it early
    script.src = address;
    script.onload = () => resolve(walkingOnce(window.Plotly));
    script.onerror = reject;
    document.head.append(script);
  });
}

/**
 * Plotly, which from now on finds out once for a kind of trace where it may have lists. It would
 * walk through all that a trace could have, for each trace at each drawing: with sixty of them a
 * quarter of the work.
 */
function walkingOnce(Plotly) {
  const { PlotSchema } = Plotly;
  const { crawl, findArrayAttributes } = PlotSchema;
  const known = new Map();
  PlotSchema.findArrayAttributes = (trace) => {
    PlotSchema.crawl = (attributes, callback, ...deeper) => {
      if (deeper.length) return crawl(attributes, callback, ...deeper);
      if (!known.has(attributes)) known.set(attributes, leadingToLists(attributes, crawl));
      for (const [name, steps] of known.get(attributes)) {
        if (typeof trace[name] === "object") steps.forEach((step) => callback(...step));
      }
    };
    try {
      return findArrayAttributes(trace);
    } finally {
      PlotSchema.crawl = crawl;
    }
  };
  return Plotly;
}

/** An attribute's name -> the steps of a walk through it that end where lists may be, or lead there. */
function leadingToLists(attributes, crawl) {
  const walk = [];
  crawl(attributes, (...step) => walk.push(step));
  const lists = walk.filter(([one]) => one?.valType === "data_array" || one?.arrayOk);
  const ends = lists.map(([, , , , path]) => `${path}.`);
  const leading = walk.filter(([, , , , path]) => ends.some((end) => end.startsWith(`${path}.`)));
  const names = new Set(ends.map((end) => end.split(".", 1)[0]));
  return [...names].map((name) => [
    name,
    leading.filter(([, , , , path]) => path.split(".", 1)[0] === name),
  ]);
}

function newChart(place) {
  const chart = { shown: null };
  chart.watch = new ResizeObserver(() => {
    if (chart.drawn && chart.drawn !== size(place, chart).join()) draw(place, chart);
  });
  chart.watch.observe(place);
  // Nothing is drawn again between a print's beginning and its end: it has to fit before.
  chart.fit = () => chart.drawn && window.Plotly.relayout(place, { width: PAPER_WIDTH });
  chart.unfit = () => draw(place, chart);
  addEventListener("beforeprint", chart.fit);
  addEventListener("afterprint", chart.unfit);
  charts.set(place, chart);
  return chart;
}

/**
 * The same for as long as the chart stands: Plotly takes a chart away and draws it twice when it
 * finds another function in its configuration.
 */
function configured({ config, fullscreen }, place) {
  const enlarge = {
    name: fullscreen,
    title: fullscreen,
    icon: { width: 448, height: 512, path: ENLARGE },
    click: () => (document.fullscreenElement ? document.exitFullscreen() : place.requestFullscreen()),
  };
  return { ...config, modeBarButtonsToAdd: [enlarge] };
}

/** Another file name is no other configuration, for which Plotly would take the chart away. */
function named(config, place, { toImageButtonOptions: { filename } }) {
  for (const one of [config, place._context ?? config]) one.toImageButtonOptions.filename = filename;
}

/** In pixels: as wide as the page leaves room, and as high as the figure says, or the screen. */
function size(place, chart) {
  const width = Math.max(Math.floor(place.clientWidth), WIDTH_AT_LEAST);
  return [width, document.fullscreenElement === place ? place.clientHeight : chart.height];
}

async function draw(place, chart) {
  const Plotly = await window.plainviewPlotly;
  if (!place.isConnected) return;
  const [width, height] = size(place, chart);
  chart.drawn = `${width},${height}`;
  const { data, layout, config } = chart.figure;
  const first = !place.classList.contains("js-plotly-plot");
  await Plotly.react(place, { data, layout: { ...layout, width, height }, config });
  if (first) place.on("plotly_click", ({ points }) => chart.tell(told(points[0])));
}

// Rows of numbers come as typed arrays, which are no lists in JSON.
const told = ({ x, y, customdata }) => ({ x, y, customdata: Array.from(customdata ?? []) });
