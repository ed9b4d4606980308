/**
 * Draws the generator's chain of points; a press lights a point or puts it out.
 *
 * data: { points: [{name, shape}], weights: {name: weight}, presets: {name: [point…]}, locked }.
 * What was chosen goes back as the trigger "chosen": { points: [name…], number }, where the number
 * makes two equal choices differ.
 */
let presses = 0;

export default newest((component) => {
  const { parentElement, data, setTriggerValue } = component;
  const find = (selector) => parentElement.querySelector(selector);
  const names = data.points.map((point) => point.name);
  const chosen = new Set(names.filter((name) => data.weights[name] > 0));
  const same = (preset) => preset.length === chosen.size && preset.every((name) => chosen.has(name));

  const choose = (points) => {
    chosen.clear();
    points.forEach((name) => chosen.add(name));
    light();
    setTriggerValue("chosen", { points: names.filter((name) => chosen.has(name)), number: ++presses });
  };
  const toggle = (name) =>
    choose(chosen.has(name) ? [...chosen].filter((other) => other !== name) : [...chosen, name]);

  const light = () => {
    for (const button of parentElement.querySelectorAll(".point"))
      button.setAttribute("aria-pressed", String(chosen.has(button.dataset.name)));
    for (const button of parentElement.querySelectorAll(".preset"))
      button.setAttribute("aria-pressed", String(same(data.presets[button.dataset.name])));
  };

  const button = (kind, name, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = kind;
    made.dataset.name = name;
    made.disabled = data.locked;
    made.onclick = act;
    return made;
  };
  const span = (kind, text) => {
    const made = document.createElement("span");
    made.className = kind;
    made.textContent = text;
    return made;
  };

  find(".picker").classList.toggle("locked", data.locked);
  find(".chain").replaceChildren(
    ...data.points.flatMap((point, index) => {
      const made = button("point", point.name, () => toggle(point.name));
      made.append(span("name", point.name), span("shape", point.shape.join(" × ")));
      made.title = `${point.name}: a tensor of ${point.shape.join(" × ")}, ` +
        `${point.shape.reduce((a, b) => a * b, 1).toLocaleString("en")} numbers`;
      const weight = data.weights[point.name] ?? 0;
      if (weight > 0 && weight !== 1) made.append(span("weight", `×${Number(weight.toPrecision(3))}`));
      return index ? [span("link", ""), made] : [made];
    }),
  );
  find(".presets").replaceChildren(
    ...Object.entries(data.presets).map(([name, points]) => {
      const made = button("preset", name, () => choose(points));
      made.textContent = name[0].toUpperCase() + name.slice(1);
      return made;
    }),
  );
  light();
});
