/**
 * The picture and its prediction at the strength that the slider says, at once as it is moved.
 *
 * data: { run, pixels: [width, height], steps: [{strength, address, verdict, guesses: [{name,
 * confidence}…]}…], chosen: index }. All pictures are here, so that moving needs no server.
 */
const chosen = new WeakMap();

export default newest((component) => {
  const { parentElement, data } = component;
  const find = (selector) => parentElement.querySelector(selector);
  const slider = find("input");
  // A rerun of the page brings the same data again, and must not move the slider back.
  if (chosen.get(parentElement)?.run !== data.run)
    chosen.set(parentElement, { run: data.run, index: data.chosen });

  const show = (index) => {
    chosen.set(parentElement, { run: data.run, index });
    const step = data.steps[index];
    find("img").src = step.address;
    find("img").alt = `The picture at strength ${step.strength.toFixed(2)}`;
    find("img").classList.toggle("reduced", data.pixels[0] > 300);
    find(".value").textContent = `Strength ${step.strength.toFixed(2)}`;
    find(".verdict").textContent = step.verdict;
    slider.setAttribute("aria-valuetext", step.strength.toFixed(2));
    find(".guesses").replaceChildren(...step.guesses.map(row));
  };
  slider.max = data.steps.length - 1;
  slider.value = chosen.get(parentElement).index;
  slider.setAttribute("aria-label", "Strength of the perturbation");
  slider.oninput = () => show(Number(slider.value));
  show(Number(slider.value));
});

function row(guess, rank) {
  const made = document.createElement("li");
  if (rank === 0) made.className = "first";
  const cell = (kind, text) => {
    const span = document.createElement("span");
    span.className = kind;
    span.textContent = text;
    return span;
  };
  const track = cell("track", "");
  const bar = cell("bar", "");
  bar.style.width = `${Math.max(0.5, 100 * guess.confidence)}%`;
  track.append(bar);
  made.append(cell("name", guess.name), cell("number", guess.confidence.toFixed(3)), track);
  return made;
}
