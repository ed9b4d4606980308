/**
 * Source, perturbed picture, difference and both top-5, in places that never move.
 *
 * data: { panels: [{address, title, note, empty} × 3], pixels: [width, height], state, fooled, line,
 * before: [{name, confidence}…], after }. A picture's address is a data: URL, so that a frame needs
 * no further request, and the browser keeps the old one until the new one is decoded.
 */
export default newest((component) => {
  const { parentElement, data } = component;
  const find = (selector) => parentElement.querySelector(selector);

  parentElement.querySelectorAll("figure").forEach((figure, index) => {
    const panel = data.panels[index];
    const image = figure.querySelector("img");
    const frame = figure.querySelector(".frame");
    const empty = figure.querySelector(".empty");
    image.hidden = !panel.address;
    empty.hidden = Boolean(panel.address);
    empty.textContent = panel.empty;
    frame.classList.toggle("waiting", !panel.address);
    if (panel.address && image.src !== panel.address) image.src = panel.address;
    image.alt = panel.address ? `${panel.title}: ${panel.note}` : "";
    // A large picture is shown smaller than it is: smooth that; magnified pixels stay sharp.
    image.classList.toggle("reduced", data.pixels[0] > 400);
    const title = document.createElement("b");
    const note = document.createElement("span");
    title.textContent = panel.title;
    note.textContent = panel.note;
    figure.querySelector("figcaption").replaceChildren(title, note);
  });

  const state = find(".state");
  state.textContent = data.state;
  state.classList.toggle("fooled", data.fooled);
  find(".line").textContent = data.line;
  list(find(".before"), data.before);
  list(find(".after"), data.after);
});

function list(place, guesses) {
  place.replaceChildren(
    ...guesses.map((guess, rank) => {
      const row = document.createElement("li");
      if (rank === 0) row.className = "first";
      const name = document.createElement("span");
      name.className = "name";
      name.textContent = name.title = guess.name;
      const number = document.createElement("span");
      number.className = "number";
      number.textContent = guess.confidence.toFixed(3);
      const track = document.createElement("span");
      const bar = document.createElement("span");
      bar.className = "bar";
      bar.style.display = "block";
      bar.style.width = `${Math.max(0.5, 100 * guess.confidence)}%`;
      track.append(bar);
      row.append(name, number, track);
      return row;
    }),
  );
}
