/**
 * What a pointer does on a map: hovering shows the picture there, a click asks for it, a start
 * follows a drag, and while it does its regions are grown again and again.
 *
 * data: { plot, sheet, counts, side, lower, upper, starts, place, answered }: `plot` is the key of
 * the chart's element; `sheet` a data: URL of thumbnails, or null; `lower` and `upper` the ends of
 * the axes, one or two; `starts` their places; `place`: a click places a start instead of looking;
 * `answered`: the number of the last move that the chart shows.
 * Messages: look {u}, place {u}, move {start, u, done}; each with a number, so that none equals
 * another. A drag sends no move before the one before is answered.
 */
const STATE = new WeakMap();
const REACH = 12; // pixels around a start that take hold of it
/** A move without an answer for so long is forgotten: the drag goes on. */
const PATIENCE_MS = 3000;
let messages = 0;

export default newest((component) => {
  const { parentElement, data, setTriggerValue } = component;
  const card = parentElement.querySelector(".card");
  const ghosts = parentElement.querySelector(".ghosts");
  const state = STATE.get(parentElement) ?? { held: null, moved: false, asked: 0 };
  STATE.set(parentElement, state);
  // What was listening for the data before this; a late farewell of it must not end this one.
  state.listening?.abort();
  const listening = (state.listening = new AbortController());

  const chart = () => document.querySelector(`.st-key-${data.plot} .js-plotly-plot`);
  const panels = (plot) => Object.values(plot?._fullLayout?._plots ?? {});
  /** The place on the map under the pointer, and on the panel: null beside the map. */
  const under = (event) => {
    const plot = chart();
    if (!plot) return null;
    const frame = plot.getBoundingClientRect();
    const [left, top] = [event.clientX - frame.left, event.clientY - frame.top];
    for (const panel of panels(plot)) {
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
  const tell = (name, value) => {
    setTriggerValue(name, { ...value, number: ++messages });
    return messages;
  };

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

  /** Draw the start where it is dragged to, on every panel; a single axis takes its height there. */
  const drag = ({ u, y }) => {
    const plot = chart();
    const frame = plot.getBoundingClientRect();
    const marks = panels(plot).map(({ xaxis, yaxis }) => {
      const mark = document.createElement("div");
      const along = u.length > 1 ? yaxis.d2p(u[1]) : y;
      mark.className = "ghost";
      mark.style.left = `${frame.left + xaxis._offset + xaxis.d2p(u[0])}px`;
      mark.style.top = `${frame.top + yaxis._offset + along}px`;
      return mark;
    });
    ghosts.replaceChildren(...marks);
  };
  const drop = () => {
    state.held = state.pressed = state.at = null;
    document.body.style.cursor = "";
  };
  const waiting = () =>
    data.answered < state.asked && performance.now() - state.askedAt < PATIENCE_MS;
  /** Ask for the regions around where the start is now, unless that was asked, or one is owed. */
  const regrow = () => {
    if (state.held === null || !state.at || state.at === state.sent || waiting()) return;
    state.sent = state.at;
    state.askedAt = performance.now();
    state.asked = tell("move", { start: state.held, u: state.at.u, done: false });
  };

  const onMove = (event) => {
    if (state.held !== null) {
      state.moved = true;
      const at = under(event);
      if (at) {
        state.at = at;
        drag(at);
        regrow();
      }
      document.body.style.cursor = "grabbing";
      event.preventDefault();
      return;
    }
    show(event, chart()?.contains(event.target) ? under(event) : null);
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
    const { held, pressed, moved, at: last } = state;
    const at = under(event);
    drop();
    if (held !== null && moved) {
      // Beside the map the start stays where it was last on it.
      if (at ?? last) {
        state.asked = tell("move", { start: held, u: (at ?? last).u, done: true });
        state.askedAt = performance.now();
      }
      setTimeout(() => state.held ?? ghosts.replaceChildren(), PATIENCE_MS);
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
  document.addEventListener("pointercancel", onUp, options);
  document.addEventListener("scroll", onOut, options);
  listening.signal.addEventListener("abort", onOut);
  // The chart shows the last move: its own mark stands there now, or the drag asks for the next.
  if (!waiting()) state.held === null ? ghosts.replaceChildren() : regrow();
  return () => listening.abort();
});
