/** Pictures as large as the window allows, at whole multiples of a device pixel, never blurred up. */

/** A picture that fits is magnified up to about this many CSS pixels. */
const LARGE = 448;

/**
 * Both panels get frames of one size, and their pictures one scale and whole device pixels. A
 * picture that is larger than the room is reduced smoothly.
 */
function fit(root, panels) {
  const shown = panels.map((panel) => panel.querySelector("img")).filter(Boolean);
  if (!shown.length) return;
  const { naturalWidth: width, naturalHeight: height } = shown[0];
  const ratio = window.devicePixelRatio;
  const longest = Math.max(width, height);
  const side = Math.floor(Math.min(room(root, panels[0]), Math.max(LARGE, longest / ratio)));
  const multiple = Math.floor((side * ratio) / longest);
  const scale = multiple >= 1 ? multiple / ratio : side / longest;
  // As much on either side of the picture, in whole pixels: half ones would come and go.
  const frame = longest * scale + 2 * Math.floor((side - longest * scale) / 2) + paddingOf(panels[0]);
  for (const panel of panels) {
    Object.assign(panel.querySelector(".stage").style, { width: `${frame}px`, height: `${frame}px` });
  }
  for (const image of shown) {
    const size = { width: `${width * scale}px`, height: `${height * scale}px` };
    Object.assign(image.style, size, { transform: "none" });
    image.classList.toggle("reduced", multiple < 1);
    const { left, top } = image.getBoundingClientRect();
    const gap = (place) => Math.round(place * ratio) / ratio - place;
    image.style.transform = `translate(${gap(left)}px, ${gap(top)}px)`;
  }
}

/** CSS pixels that a picture may take in width and in height. */
function room(root, panel) {
  const padding = paddingOf(panel);
  const width = panel.clientWidth - padding;
  if (stacked(root)) return Math.max(112, Math.min(width, (window.innerHeight - 420) / 2));
  const stage = panel.querySelector(".stage").getBoundingClientRect();
  const others = root.getBoundingClientRect().height - stage.height;
  const margin = 28; // the page's own, above and below
  return Math.max(168, Math.min(width, window.innerHeight - others - padding - margin));
}

function paddingOf(panel) {
  return 2 * parseFloat(getComputedStyle(panel.querySelector(".stage")).paddingLeft);
}

/** Whether the panels stand one under the other. */
function stacked(root) {
  return getComputedStyle(root.querySelector(".panels")).flexDirection === "column";
}
