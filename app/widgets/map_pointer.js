/**
 * What a pointer does on a map: hovering shows the picture there, a click asks for it, a start
 * follows a drag.
 *
 * data: { plot, sheet, counts, side, lower, upper, starts, place }: `plot` is the key of the chart's
 * element; `sheet` a data: URL of thumbnails, or null; `lower` and `upper` the ends of the axes, one
 * or two; `starts` their places; `place`: a click places a start instead of looking.
 * Messages: look {u}, move {start, u}, place {u}; each with a number, so that none equals another.
 */
const STATE = new WeakMap();
const REACH = 12; // pixels around a start that take hold of it
let messages = 0;

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  const card = parentElement.querySelector(".card");
  const state = STATE.get(parentElement) ?? { held: null, moved: false };
  STATE.set(parentElement, state);
  // What was listening for the data before this; a late farewell of it must not end this one.
  state.listening?.abort();
  const listening = (state.listening = new AbortController());

  const chart = () => document.querySelector(`.st-key-${data.plot} .js-plotly-plot`);
  /** The place on the map under the pointer, and on the panel: null beside the map. */
  const under = (event) => {
    const plot = chart();
    const layout = plot?._fullLayout;
    if (!layout) return null;
    const frame = plot.getBoundingClientRect();
    const [left, top] = [event.clientX - frame.left, event.clientY - frame.top];
    for (const panel of Object.values(layout._plots ?? {})) {
      const { xaxis, yaxis } = panel;
      const [x, y] = [left - xaxis._offset, top - yaxis._offset];
      if (x < 0 || y < 0 || x > xaxis._length || y > yaxis._length) continue;
      const u = [xaxis.p2d(x), yaxis.p2d(y)].slice(0, data.lower.length);
      const inside = u.map((one, k) => Math.min(Math.max(one, data.lower[k]), data.upper[k]));
      return { u: inside, x, y, xaxis, yaxis };
    }
    return null;
  };
  const startAt = (at) =>
    data.starts.findIndex((start) => {
      const across = at.xaxis.d2p(start[0]) - at.x;
      const along = data.lower.length > 1 ? at.yaxis.d2p(start[1]) - at.y : 0;
      return Math.hypot(across, along) < REACH;
    });
  const tell = (name, value) => setTriggerValue(name, { ...value, number: ++messages });

  const show = (event, at) => {
    if (!data.sheet || !at || state.held !== null) return void (card.hidden = true);
    const cells = data.counts.map((count, k) => {
      if (k >= data.lower.length) return 0;
      const share = (at.u[k] - data.lower[k]) / (data.upper[k] - data.lower[k]);
      return Math.round(share * (count - 1));
    });
    const size = 96;
    card.style.backgroundImage = `url(${data.sheet})`;
    card.style.backgroundSize = `${data.counts[0] * size}px ${data.counts[1] * size}px`;
    card.style.backgroundPosition = `${-cells[0] * size}px ${-cells[1] * size}px`;
    card.style.left = `${Math.min(event.clientX + 18, window.innerWidth - size - 12)}px`;
    card.style.top = `${Math.max(event.clientY - size - 18, 8)}px`;
    card.hidden = false;
  };

  const onMove = (event) => {
    const at = chart()?.contains(event.target) ? under(event) : null;
    if (state.held !== null) {
      state.moved = true;
      const here = under(event);
      if (here) state.ghost = here.u;
      document.body.style.cursor = "grabbing";
      event.preventDefault();
      return;
    }
    show(event, at);
  };
  const onDown = (event) => {
    if (event.button !== 0 || !chart()?.contains(event.target)) return;
    const at = under(event);
    if (!at) return;
    state.pressed = [event.clientX, event.clientY];
    const start = startAt(at);
    if (start >= 0) {
      state.held = start;
      state.moved = false;
      card.hidden = true;
      event.preventDefault();
      event.stopPropagation();
    }
  };
  const onUp = (event) => {
    const { held, pressed } = state;
    const at = under(event);
    state.held = state.pressed = null;
    document.body.style.cursor = "";
    if (held !== null && state.moved) {
      if (at) tell("move", { start: held, u: at.u });
    } else if (pressed && at) {
      // Plotly has laid a cover over the page meanwhile, so that the target is not the chart.
      const still = Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) < 5;
      if (still) tell(data.place && held === null ? "place" : "look", { u: at.u });
    }
  };
  const onOut = () => (card.hidden = true);
  const options = { capture: true, signal: listening.signal };
  document.addEventListener("pointermove", onMove, options);
  document.addEventListener("pointerdown", onDown, options);
  document.addEventListener("pointerup", onUp, options);
  document.addEventListener("scroll", onOut, options);
  listening.signal.addEventListener("abort", onOut);
  return () => listening.abort();
}
