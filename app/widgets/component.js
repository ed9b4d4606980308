/**
 * `newest(draw)` is a component that draws what it was told last.
 *
 * Streamlit imports this module and calls it anew at each change. Of changes that come while it is
 * still loading, the browser may end the imports in any order (Chromium does so in half of the
 * cases), and a call that is outdated by then has its clean-up called as soon as it returns. So a
 * call waits for that before it draws. What `draw` returns is called when the element goes.
 */
const newest = (draw) => (component) => {
  let leave;
  const waiting = setTimeout(() => (leave = draw(component)));
  return () => {
    clearTimeout(waiting);
    leave?.();
  };
};
