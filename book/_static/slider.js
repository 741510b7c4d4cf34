// A slider over the models between two others: numbers, intervals and the point on the curve follow it.
(() => {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";

  function mark(figure) {
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("class", "mark");
    const [across, up, point] = ["line", "line", "circle"].map((name) => {
      const shape = document.createElementNS(SVG, name);
      group.append(shape);
      return shape;
    });
    point.setAttribute("r", "5.5");
    figure.append(group);
    const set = (shape, values) => Object.entries(values).forEach(([name, value]) => shape.setAttribute(name, value));
    return ({ x, y, left, right, low, high }) => {
      set(across, { x1: left, x2: right, y1: y, y2: y });
      set(up, { x1: x, x2: x, y1: low, y2: high });
      set(point, { cx: x, cy: y });
    };
  }

  document.querySelectorAll(".widget.slider").forEach((widget) => {
    const { points, start } = JSON.parse(widget.querySelector("script").textContent);
    const range = widget.querySelector("input");
    const move = mark(widget.querySelector("svg"));
    const show = () => {
      const point = points[range.valueAsNumber];
      widget.querySelectorAll("[data-show]").forEach((cell) => {
        cell.textContent = point.shown[cell.dataset.show];
      });
      range.setAttribute("aria-valuetext", point.said);
      move(point.place);
    };
    range.max = String(points.length - 1);
    range.value = String(start);
    range.addEventListener("input", show);
    widget.querySelector(".control").hidden = false;
    show();
  });
})();
