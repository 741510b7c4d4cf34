// A picker over queries: what each finds first, with the own product marked.
(() => {
  "use strict";

  const make = (name, content = "", className = "") => {
    const element = document.createElement(name);
    element.textContent = content;
    element.className = className;
    return element;
  };

  function product({ picture, caption, id }, note, own) {
    const item = make("li", "", own ? "own" : "");
    const figure = make("div");
    const image = make("img");
    image.src = picture;
    image.alt = caption;
    image.width = image.height = 96;
    figure.append(image, make("strong", note), make("span", caption), make("small", id));
    item.append(figure);
    return item;
  }

  document.querySelectorAll(".widget.picker").forEach((widget) => {
    const { queries, products } = JSON.parse(widget.querySelector("script").textContent);
    const select = widget.querySelector("select");
    const [asked, found] = ["asked", "found"].map((name) => widget.querySelector(`.${name}`));
    const groups = new Map();
    queries.forEach((query, place) => {
      if (!groups.has(query.data)) {
        const group = make("optgroup");
        group.label = query.data;
        groups.set(query.data, group);
        select.append(group);
      }
      const option = make("option", query.text);
      option.value = String(place);
      groups.get(query.data).append(option);
    });
    const show = () => {
      const query = queries[Number(select.value)];
      const own = query.found.indexOf(query.id);
      asked.replaceChildren(product(products[query.id], "The own picture", true));
      found.replaceChildren(
        ...query.found.map((id, place) => {
          const mine = id === query.id;
          return product(products[id], mine ? `${place + 1}, the own product` : `${place + 1}`, mine);
        }),
      );
      const where = `The own product has rank ${query.rank}`;
      widget.querySelector(".told").textContent = own < 0 ? `${where}, so it is not among these.` : `${where}.`;
    };
    select.addEventListener("input", show);
    widget.querySelector(".control").hidden = false;
    show();
  });
})();
