// Tables that the build makes can be sorted by each column, and longer ones filtered. Without this file they are plain.
(() => {
  "use strict";

  const LONG = 8; // rows from which on a filter is worth its place
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const NUMBER = /^[-\u2212]?[\d.,]+(e[-+]?\d+)?( to [-\u2212]?[\d.,]+(e[-+]?\d+)?)?$/;
  let count = 0;

  // a dash stands for what is unknown, as an empty cell does
  const text = (row, column) => (row.cells[column]?.textContent ?? "").trim().replace(/^\u2013$/, "");
  // of an interval the lower end
  const value = (cell) => parseFloat(cell.replace(/,/g, "").replace("\u2212", "-"));

  function sorter(rows, column) {
    const known = rows.map((row) => text(row, column)).filter(Boolean);
    const numeric = known.length > 0 && known.every((cell) => NUMBER.test(cell));
    const compare = numeric ? (a, b) => value(a) - value(b) : words.compare;
    return (sign) => (one, other) => {
      const [a, b] = [text(one, column), text(other, column)];
      if (!a || !b) return Number(!a) - Number(!b); // what is unknown comes last, either way
      return sign * compare(a, b);
    };
  }

  function sortable(table) {
    const body = table.tBodies[0];
    const rows = [...body.rows]; // as they were built
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      const by = sorter(rows, column);
      button.addEventListener("click", () => {
        const next = { none: "ascending", ascending: "descending", descending: "none" };
        const order = next[head.getAttribute("aria-sort")];
        heads.forEach((each) => each.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", order);
        body.append(...(order === "none" ? rows : [...rows].sort(by(order === "ascending" ? 1 : -1))));
      });
    });
  }

  function filterable(table) {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < LONG) return;
    const bar = document.createElement("div");
    const label = document.createElement("label");
    const input = document.createElement("input");
    const status = document.createElement("span");
    bar.className = "filter";
    label.textContent = "Filter rows";
    label.htmlFor = input.id = `filter-${(count += 1)}`;
    input.type = "search";
    input.autocomplete = "off";
    status.setAttribute("role", "status");
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row) => {
        const here = row.textContent.toLowerCase();
        row.hidden = !wanted.every((word) => here.includes(word));
        shown += Number(!row.hidden);
      });
      status.textContent = wanted.length ? `${shown} of ${rows.length} rows` : "";
    });
    bar.append(label, input, status);
    (table.closest(".pst-scrollable-table-container") ?? table).before(bar);
  }

  document.querySelectorAll("table[class*='words-']").forEach((table) => {
    if (!table.tHead || !table.tBodies.length) return;
    sortable(table);
    filterable(table);
  });
})();
