/**
 * Shows one task, takes one press, and waits for the next task.
 *
 * A press counts when the picture it is about has been on the screen for `exposure` ms, no answer
 * is on its way, no other answer key is held, and the keys have been quiet. What is sent names the
 * item and the side that were on the screen, so that the server can refuse anything else.
 */
const KEYS = ["1", "2", "3", "4"];
const SIDES = ["left", "right"];
/** An answer key pressed this soon after another one is a bounce or a key held down. */
const QUIET_MS = 100;
/** Without a word from the server for so long, say that the answer is still on its way. */
const SLOW_MS = 4000;
/** Pauses longer than this do not count towards one's own pace. */
const PAUSE_MS = 60000;
const SMALLEST_PACE_SAMPLE = 5;

const mounted = new WeakMap();

export default function (component) {
  const { parentElement, data, setTriggerValue } = component;
  if (!mounted.has(parentElement)) mounted.set(parentElement, new Judge(parentElement));
  const judge = mounted.get(parentElement);
  judge.receive(data, (answer) => setTriggerValue("answer", answer));
  return () => judge.leave();
}

class Judge {
  constructor(root) {
    this.find = (selector) => root.querySelector(selector);
    this.root = this.find(".judge");
    this.panels = [...root.querySelectorAll(".panel")];
    this.help = this.find(".help");
    this.images = new Map();
    this.down = new Set();
    this.lastKey = -Infinity;
    this.shownAt = null;
    this.sent = null;
    this.round = 0;
    this.spent = 0;
    this.advanced = 0;
    this.leaving = new AbortController();
    const { signal } = this.leaving;
    const listen = (place, event, act, options = {}) =>
      place.addEventListener(event, act, { signal, ...options });
    listen(document, "keydown", (event) => this.press(event), { capture: true });
    listen(document, "keyup", (event) => this.down.delete(event.code), { capture: true });
    listen(window, "blur", () => this.down.clear());
    listen(window, "resize", () => this.fit());
    listen(this.find(".help-open"), "click", () => this.help.showModal());
    listen(this.find(".help button"), "click", () => this.help.close());
    listen(this.find(".gloss-open"), "click", () => this.toggleGloss());
  }

  leave() {
    this.leaving.abort();
    clearTimeout(this.slow);
  }

  /** A new state from the server: the next task, the same one again, or the end. */
  receive(data, send) {
    this.send = send;
    // Streamlit calls again with what it has called with before, for a change of theme say.
    if (data.turn === this.turn) return;
    this.turn = data.turn;
    for (const [key, address] of Object.entries(data.images)) this.preload(key, address);
    clearTimeout(this.slow);
    const { sent } = this;
    if (!sent) return this.show(data);
    const same = data.number === sent.number && data.side === sent.side;
    if (!same) {
      const rest = sent.at + data.timing.feedback - performance.now();
      setTimeout(() => this.show(data), Math.max(0, rest));
    } else if (data.problem || sent.tries > 1) {
      this.show(data).then(() => this.choose(sent.side, sent.answer));
    } else {
      this.deliver();
    }
  }

  preload(key, address) {
    if (this.images.has(key)) return;
    const image = new Image();
    image.src = address;
    image.draggable = false;
    this.images.set(key, image);
  }

  /** Everything about a task appears at once, when its pictures are ready to be painted. */
  async show(data) {
    const round = ++this.round;
    this.shownAt = null;
    const wanted = SIDES.map((side) => this.images.get(data[side]));
    await Promise.all(wanted.map((image) => image?.decode()));
    if (round !== this.round) return;
    this.keepPace(data);
    this.data = data;
    this.sent = null;
    this.write(data);
    if (data.end) return;
    this.panels.forEach((panel, index) => this.fill(panel, SIDES[index], wanted[index]));
    this.fit();
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (round === this.round) this.shownAt = performance.now();
      }),
    );
  }

  write({ end, words, problem, done, total, search, gloss }) {
    this.root.classList.add("ready");
    this.root.classList.toggle("ended", Boolean(end));
    this.find(".end").hidden = !end;
    if (end) {
      this.find(".end h1").textContent = words.end_title;
      this.find(".saved").textContent = words.end;
      this.find(".code-name").textContent = words.code;
      this.find(".code").textContent = end.code;
      return;
    }
    this.find(".count").textContent = fillIn(words.place, { place: done + 1, total });
    this.find(".pace").textContent = this.timeLeft(words, total - done);
    this.find(".notice").textContent = problem ?? "";
    this.find(".unsure").textContent = search.text;
    this.find(".search").textContent = words.search;
    this.find(".search").href = search.address;
    this.find(".gloss-open").hidden = !gloss;
    this.find(".gloss-open").setAttribute("aria-label", words.gloss);
    this.find(".gloss").hidden = true;
    this.find(".gloss").textContent = gloss ?? "";
    this.find(".help-open").setAttribute("aria-label", words.help_title);
    this.find(".help h1").textContent = words.help_title;
    this.find(".help button").textContent = words.help_close;
    this.find(".help-text").replaceChildren(
      ...words.help.map((text) => Object.assign(document.createElement("p"), { textContent: text })),
    );
  }

  fill(panel, side, image) {
    const { data } = this;
    const asked = data.side === side;
    const given = side === "left" ? data.answered : null;
    panel.classList.toggle("asked", asked);
    panel.classList.toggle("closed", !image);
    panel.setAttribute("aria-label", data.words[side]);
    if (image) image.alt = data.words[side];
    panel.querySelector(".stage").replaceChildren(image ?? data.words.not_yet);
    const buttons = data.options.map((text, index) =>
      this.option(side, index + 1, text, { asked, chosen: given === index + 1 }),
    );
    panel.querySelector(".options").replaceChildren(...buttons);
  }

  option(side, answer, text, { asked, chosen }) {
    const key = Object.assign(document.createElement("kbd"), { textContent: answer });
    const button = document.createElement("button");
    button.type = "button";
    button.className = chosen ? "option chosen" : "option";
    button.disabled = !asked;
    button.setAttribute("aria-pressed", String(chosen));
    button.append(key, text);
    button.addEventListener("click", (event) => this.answer(side, answer, event.timeStamp));
    return button;
  }

  press(event) {
    if (this.help.open) return;
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.key === "?") {
      event.preventDefault();
      this.help.showModal();
      return;
    }
    // A key held down on a focused button would click it again and again.
    if (event.repeat && (event.key === "Enter" || event.key === " ")) event.preventDefault();
    const answer = answerOf(event);
    if (!answer) return;
    event.preventDefault();
    const quiet = event.timeStamp - this.lastKey >= QUIET_MS;
    this.lastKey = event.timeStamp;
    if (event.repeat) return;
    // Pressed again without having been seen to rise: its keyup went to another window.
    if (this.down.has(event.code)) this.down.clear();
    const alone = this.down.size === 0;
    this.down.add(event.code);
    if (alone && quiet) this.answer(this.data?.side, answer, event.timeStamp);
  }

  answer(side, answer, at) {
    const { data } = this;
    if (!data || data.end || this.sent || this.shownAt === null) return;
    if (side !== data.side || at - this.shownAt < data.timing.exposure) return;
    this.choose(side, answer);
    const milliseconds = Math.round((at - this.shownAt) * 10) / 10;
    this.sent = { number: data.number, side, answer, milliseconds, at: performance.now(), tries: 0 };
    this.deliver();
  }

  deliver() {
    const { number, side, answer, milliseconds } = this.sent;
    this.sent.tries += 1;
    this.send({ number, side, answer, milliseconds, held: [...this.images.keys()] });
    this.slow = setTimeout(() => {
      this.find(".notice").textContent = this.data.words.slow;
    }, SLOW_MS);
  }

  choose(side, answer) {
    const panel = this.panels[SIDES.indexOf(side)];
    panel.querySelectorAll(".option").forEach((button, index) => {
      button.classList.toggle("chosen", index + 1 === answer);
      button.setAttribute("aria-pressed", String(index + 1 === answer));
    });
  }

  toggleGloss() {
    const gloss = this.find(".gloss");
    gloss.hidden = !gloss.hidden;
    this.find(".gloss-open").setAttribute("aria-expanded", String(!gloss.hidden));
  }

  keepPace(data) {
    const now = performance.now();
    if (this.data && data.done > this.data.done) {
      this.spent += Math.min(now - this.since, PAUSE_MS);
      this.advanced += data.done - this.data.done;
      this.since = now;
    }
    this.since ??= now;
  }

  timeLeft(words, open) {
    if (this.advanced < SMALLEST_PACE_SAMPLE) return "";
    const minutes = Math.ceil(((this.spent / this.advanced) * open) / 60000);
    return fillIn(words.pace, { minutes });
  }

  /** Both pictures at the same whole multiple of a device pixel, on whole device pixels. */
  fit() {
    const shown = this.panels.map((panel) => panel.querySelector("img")).filter(Boolean);
    if (!shown.length || !this.data) return;
    const { naturalWidth: width, naturalHeight: height } = shown[0];
    const ratio = window.devicePixelRatio;
    const side = Math.min(this.room(), Math.max(448, Math.max(width, height) / ratio));
    const multiple = Math.floor((side * ratio) / Math.max(width, height));
    const scale = multiple >= 1 ? multiple / ratio : side / Math.max(width, height);
    const size = { width: `${width * scale}px`, height: `${height * scale}px` };
    for (const panel of this.panels) {
      const padding = 2 * parseFloat(getComputedStyle(panel.querySelector(".stage")).paddingLeft);
      Object.assign(panel.querySelector(".stage").style, {
        width: `${width * scale + padding}px`,
        height: `${height * scale + padding}px`,
      });
    }
    for (const image of shown) {
      Object.assign(image.style, size, { transform: "none" });
      image.classList.toggle("reduced", multiple < 1);
      const { left, top } = image.getBoundingClientRect();
      const gap = (place) => Math.round(place * ratio) / ratio - place;
      image.style.transform = `translate(${gap(left)}px, ${gap(top)}px)`;
    }
    this.words();
  }

  /** CSS pixels that a picture may take in width and in height. */
  room() {
    const stage = this.panels[0].querySelector(".stage");
    const padding = 2 * parseFloat(getComputedStyle(stage).paddingLeft);
    const width = this.panels[0].clientWidth - padding;
    if (this.stacked()) return Math.max(112, Math.min(width, (window.innerHeight - 420) / 2));
    const others = this.root.getBoundingClientRect().height - stage.getBoundingClientRect().height;
    const margin = 28; // the page's own, above and below
    return Math.max(168, Math.min(width, window.innerHeight - others - padding - margin));
  }

  stacked() {
    return getComputedStyle(this.find(".panels")).flexDirection === "column";
  }

  /** "on the left" is true only where the panels stand side by side. */
  words() {
    const { words } = this.data;
    const names = this.stacked() ? ["ask_first", "ask_second"] : ["ask_left", "ask_right"];
    this.panels.forEach((panel, index) => {
      panel.querySelector("h2").textContent = words[names[index]];
    });
    if (this.stacked() && this.data.side === "right") this.panels[1].scrollIntoView({ block: "end" });
    else this.root.scrollIntoView({ block: "start" });
  }
}

function answerOf({ key, code, shiftKey }) {
  if (KEYS.includes(key)) return Number(key);
  // Layouts whose digits need Shift (French): the key's place counts.
  const place = /^(?:Digit|Numpad)([1-4])$/.exec(code);
  return place && !shiftKey ? Number(place[1]) : null;
}

function fillIn(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
