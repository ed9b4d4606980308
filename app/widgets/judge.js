/**
 * Shows one task, takes one press, and waits for the next task.
 *
 * A press counts when the picture it is about has been on the screen for `exposure` ms, no answer
 * is on its way, no dialog is open, and the keys allow it (judge_keys.js). What is sent names the
 * item and the side that were on the screen, so that the server can refuse anything else.
 */
const SIDES = ["left", "right"];
/** Without a word from the server for so long, say that the answer is still on its way. */
const SLOW_MS = 4000;
/** So many images are kept, the newest: those on show, the one ahead, and what Undo goes back to. */
const KEPT_IMAGES = 8;

const mounted = new WeakMap();

export default newest((component) => {
  const { parentElement, data, setTriggerValue } = component;
  if (!mounted.has(parentElement)) mounted.set(parentElement, new Judge(parentElement));
  const judge = mounted.get(parentElement);
  judge.receive(data, setTriggerValue);
  return () => judge.leave();
});

class Judge {
  constructor(root) {
    this.find = (selector) => root.querySelector(selector);
    this.root = this.find(".judge");
    this.panels = [...root.querySelectorAll(".panel")];
    this.help = this.find(".help");
    this.comment = this.find(".comment");
    this.images = new Map();
    this.sent = null;
    this.undoing = false;
    this.saving = null;
    this.searches = 0;
    this.round = 0;
    this.rested = new Set();
    this.beatAt = performance.now();
    this.leaving = new AbortController();
    const { signal } = this.leaving;
    this.clock = new Clock(signal);
    this.pace = new Pace();
    this.keys = new Keys(
      {
        answer: (answer, at) => this.answer(this.data?.side, answer, at),
        undo: () => this.undo(),
        help: () => this.help.showModal(),
        dead: () => this.help.open || this.comment.open || !this.find(".rest").hidden,
      },
      signal,
    );
    const click = (selector, act) =>
      this.find(selector).addEventListener("click", act, { signal });
    window.addEventListener("resize", () => this.fit(), { signal });
    for (const sign of ["pointermove", "pointerdown", "keydown"]) {
      document.addEventListener(sign, () => this.beat(), { signal, passive: true });
    }
    click(".undo", () => this.undo());
    click(".help-open", () => this.help.showModal());
    click(".help .close", () => this.help.close());
    click(".help .leave", () => this.send("leave", { number: this.data.number }));
    click(".gloss-open", () => this.toggleGloss());
    click(".comment-open", () => this.openComment());
    click(".comment .close", () => this.comment.close());
    click(".comment .save", () => this.saveComment());
    click(".rest button", () => this.goOn());
    click(".search", () => (this.searches += 1));
    // A middle click opens the search as well.
    this.find(".search").addEventListener("auxclick", ({ button }) => (this.searches += button === 1), {
      signal,
    });
  }

  leave() {
    this.leaving.abort();
    clearTimeout(this.slow);
  }

  /** A new state from the server: the next task, or the same one again. */
  receive(data, send) {
    this.send = send;
    // Streamlit calls again with what it has called with before, for a change of theme say.
    if (data.turn === this.turn) return;
    this.turn = data.turn;
    for (const [key, address] of Object.entries(data.images)) this.preload(key, address);
    this.forget([data.left, data.right]);
    if (this.rested.has(data.number)) data = { ...data, rest: null };
    clearTimeout(this.slow);
    const { sent, undoing } = this;
    this.undoing = false;
    if (this.saving) this.commentAnswered(data);
    if (!sent) return this.isOnShow(data) && !undoing ? this.refresh(data) : this.show(data);
    // The image's name, too: in another window the number may have come to stand for another item.
    const same = data.number === sent.number && data.side === sent.side && data.left === sent.left;
    if (!same) {
      const rest = sent.at + data.timing.feedback - performance.now();
      setTimeout(() => this.show(data), Math.max(0, rest));
    } else if (data.problem || sent.tries > 1) {
      this.show(data).then(() => this.choose(sent.side, sent.answer));
    } else {
      this.deliver();
    }
  }

  isOnShow({ number, side, rest }) {
    return this.data?.number === number && this.data.side === side && !rest === !this.data.rest;
  }

  preload(key, address) {
    const image = new Image();
    image.src = address;
    image.draggable = false;
    image.decode().catch(() => {}); // early; show() awaits it again and hears of a failure
    this.images.set(key, image);
  }

  /** Of hundreds of images the browser would fill its memory; the server sends again what is gone. */
  forget(onShow) {
    for (const key of this.images.keys()) {
      if (this.images.size <= KEPT_IMAGES) return;
      if (!onShow.includes(key)) this.images.delete(key);
    }
  }

  /** Everything about a task appears at once, when its pictures are ready to be painted. */
  async show(data) {
    const round = ++this.round;
    this.clock.stop();
    const wanted = SIDES.map((side) => this.images.get(data[side]));
    await Promise.all(wanted.map((image) => image?.decode()));
    if (round !== this.round) return;
    this.sent = null;
    this.searches = 0;
    this.refresh(data);
    this.find(".gloss").hidden = true;
    this.panels.forEach((panel, index) => this.fill(panel, SIDES[index], wanted[index]));
    this.root.classList.add("ready", "waiting");
    this.root.classList.toggle("resting", Boolean(data.rest));
    this.find(".rest").hidden = !data.rest;
    if (data.rest) return this.find(".rest button").focus({ preventScroll: true });
    this.begin();
  }

  /** After a break the same task is shown, and its time begins. */
  goOn() {
    this.rested.add(this.data.number);
    this.data.rest = null;
    this.root.classList.remove("resting");
    this.find(".rest").hidden = true;
    this.begin();
  }

  /** The time of an image begins in the frame after the one that paints it. */
  begin() {
    const { round } = this;
    this.fit();
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        if (round !== this.round) return;
        this.clock.start();
        setTimeout(() => {
          if (round === this.round) this.root.classList.remove("waiting");
        }, this.data.timing.exposure);
      }),
    );
  }

  /** Everything but the pictures and the answers. */
  refresh(data) {
    this.data = data;
    const { words, rest, place, problem, done, total, undo, search, gloss } = data;
    const write = (selector, text) => (this.find(selector).textContent = text);
    this.pace.note(done);
    const minutes = this.pace.minutes(total - done);
    write(".count", place);
    write(".pace", minutes === null ? "" : words.pace.replace("{minutes}", minutes));
    write(".notice", problem ?? "");
    write(".unsure", search.text);
    write(".search", words.search);
    this.find(".search").href = search.address;
    write(".undo span", words.undo);
    this.find(".undo").disabled = !undo;
    write(".comment-open", words.comment);
    write(".comment h1", words.comment_title);
    this.find("textarea").setAttribute("aria-label", words.comment_title);
    this.find("textarea").maxLength = data.longest_comment;
    write(".comment .save", words.comment_save);
    write(".comment .close", words.cancel);
    this.find(".gloss-open").hidden = !gloss;
    this.find(".gloss-open").setAttribute("aria-label", words.gloss);
    write(".gloss", gloss ?? "");
    this.find(".help-open").setAttribute("aria-label", words.help_title);
    write(".help h1", words.help_title);
    write(".help .close", words.help_close);
    write(".help .leave", words.leave);
    this.find(".help .text").replaceChildren(
      ...data.help.map((text) => Object.assign(document.createElement("p"), { textContent: text })),
    );
    write(".rest h1", words.rest_title);
    write(".rest p", rest ?? "");
    write(".rest button", words.go_on);
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

  answer(side, answer, at) {
    const { data, clock } = this;
    if (!data || this.sent || this.undoing || !clock.running || side !== data.side) return;
    const times = clock.until(at);
    if (times.milliseconds < data.timing.exposure) return;
    this.choose(side, answer);
    this.root.classList.add("waiting");
    const { number, left } = data;
    this.sent = { number, side, answer, ...times, searches: this.searches, left, at: performance.now(), tries: 0 };
    this.deliver();
  }

  deliver() {
    const { left, at, tries, ...message } = this.sent;
    this.sent.tries = tries + 1;
    this.beatAt = performance.now();
    this.send("answer", { ...message, held: [...this.images.keys()] });
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

  undo() {
    if (!this.data?.undo || this.sent || this.undoing) return;
    this.undoing = true;
    this.clock.stop();
    this.root.classList.add("waiting");
    this.send("undo", { number: this.data.number, held: [...this.images.keys()] });
  }

  /** Someone is there: said now and then, so that an item that is looked at long stays theirs. */
  beat() {
    const now = performance.now();
    if (!this.data || this.sent || now - this.beatAt < this.data.timing.beat) return;
    this.beatAt = now;
    this.send("beat", { number: this.data.number });
  }

  openComment() {
    this.find("textarea").value = this.data.comment ?? "";
    this.find(".said").textContent = "";
    this.comment.showModal();
    this.find("textarea").focus();
  }

  saveComment() {
    const { number } = this.data;
    this.saving = { number, text: this.find("textarea").value, tries: (this.saving?.tries ?? 0) + 1 };
    this.send("comment", { number, text: this.saving.text });
  }

  /** Saved: closed. Refused: the words stay, with the reason. Lost on the way: sent once more. */
  commentAnswered({ number, comment, problem }) {
    const { saving } = this;
    if (number !== saving.number || (comment ?? "") === saving.text.trim()) this.comment.close();
    else if (!problem && saving.tries === 1) return this.saveComment();
    else this.find(".said").textContent = problem ?? this.data.words.not_stored;
    this.saving = null;
  }

  toggleGloss() {
    const gloss = this.find(".gloss");
    gloss.hidden = !gloss.hidden;
    this.find(".gloss-open").setAttribute("aria-expanded", String(!gloss.hidden));
  }

  fit() {
    if (!this.data) return;
    fit(this.root, this.panels);
    // "on the left" is true only where the panels stand side by side.
    const { words, side } = this.data;
    const names = stacked(this.root) ? ["ask_first", "ask_second"] : ["ask_left", "ask_right"];
    this.panels.forEach((panel, index) => {
      panel.querySelector("h2").textContent = words[names[index]];
    });
    if (stacked(this.root) && side === "right") this.panels[1].scrollIntoView({ block: "end" });
    else this.root.scrollIntoView({ block: "start" });
  }
}
