// What the theme leaves out for readers with a keyboard, a screen reader or a small screen.
(() => {
  "use strict";

  // how far a figure is shrunk to fit: words of nine points are then as tall as five and a half
  const SMALLEST = 0.6;

  // the arrows that unfold a part of the contents have no name
  document.querySelectorAll(".bd-sidebar-primary li > details > summary").forEach((summary) => {
    const above = summary.closest("li").querySelector("a").textContent.trim();
    summary.setAttribute("aria-label", `Pages below ${above}`);
  });

  // what scrolls sideways shows that there is more, and can be scrolled by keys; what unfolds is measured only then
  const measure = (box) => {
    const image = box.querySelector(":scope > img");
    if (image) box.classList.toggle("wide", box.clientWidth < SMALLEST * image.naturalWidth);
    const hidden = box.scrollWidth - box.clientWidth;
    if (hidden > 1 || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
    box.classList.toggle("more", hidden > 1 && box.scrollLeft < hidden - 1);
  };
  const sizes = new ResizeObserver((changed) => changed.forEach(({ target }) => measure(target)));
  document.querySelectorAll("article :is(pre, figure, .pst-scrollable-table-container, .widget-table, .output)").forEach((box) => {
    box.addEventListener("scroll", () => measure(box), { passive: true });
    sizes.observe(box);
  });
})();
