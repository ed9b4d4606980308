/**
 * Saves a chart of the page as PNG or SVG, as it is drawn now: no server needs a browser for it.
 *
 * data: { plot, name, scale }: `plot` is the key of the chart's element, `name` the file's name.
 */
export default newest((component) => {
  const { parentElement, data } = component;
  const warn = (text) => (parentElement.querySelector(".note").textContent = text);
  for (const format of ["png", "svg"])
    parentElement.querySelector(`.${format}`).onclick = async () => {
      const chart = document.querySelector(`.st-key-${data.plot} .js-plotly-plot`);
      if (!chart) return warn("The chart is not drawn yet.");
      warn("");
      const drawing = svgOf(chart);
      const file = format === "svg" ? drawing.blob : await png(drawing, data.scale);
      save(file, `${data.name}.${format}`);
    };
});

/** Plotly draws in layers, one SVG over the other: they become one, on the chart's background. */
function svgOf(chart) {
  const [paper, ...above] = chart.querySelectorAll(".svg-container > .main-svg");
  const { width, height } = paper.getBoundingClientRect();
  const whole = paper.cloneNode(true);
  for (const layer of above)
    for (const child of layer.children)
      if (!child.classList.contains("hoverlayer")) whole.append(child.cloneNode(true));
  for (const passing of whole.querySelectorAll(".hoverlayer, .draglayer, .drag, .select-outline"))
    passing.remove();
  const background = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  background.setAttribute("width", width);
  background.setAttribute("height", height);
  background.setAttribute("fill", getComputedStyle(paper).backgroundColor);
  whole.prepend(background);
  whole.setAttribute("viewBox", `0 0 ${width} ${height}`);
  whole.setAttribute("width", width);
  whole.setAttribute("height", height);
  whole.removeAttribute("style");
  // References to clips and patterns: within the file, not to the page that they were drawn in.
  const text = new XMLSerializer()
    .serializeToString(whole)
    .replaceAll(/url\((&quot;|['"])?[^)#]*#([^)'"&]*)(&quot;|['"])?\)/g, "url(#$2)");
  return { width, height, blob: new Blob([text], { type: "image/svg+xml" }) };
}

async function png({ width, height, blob }, scale) {
  const image = new Image();
  const address = URL.createObjectURL(blob);
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(address);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function save(file, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
