// Remove what is made like two others in the same place, such as most rows of a table, and what pages before this one had
// in that place, such as the contents of the book: it looks as they do and is as easy or hard to use. What is left shows
// the same faults, of which axe then takes a tenth of the time to tell. Takes what was seen, returns what is new.
(known) => {
  "use strict";

  const before = new Set(known);
  // FNV-1a, twice with other starts: 64 bits as text
  const number = (text) => {
    let [low, high] = [0x811c9dc5, 0x01234567];
    for (let place = 0; place < text.length; place += 1) {
      low = Math.imul(low ^ text.charCodeAt(place), 0x01000193);
      high = Math.imul(high ^ text.charCodeAt(place), 0x01000193);
    }
    return (low >>> 0).toString(36) + (high >>> 0).toString(36);
  };

  // what names others, and what is named: one without the other would be a fault that the page has not
  const NAMING = ["for", "aria-controls", "aria-describedby", "aria-labelledby"];
  const namesOf = (element) => NAMING.flatMap((name) => (element.getAttribute(name) ?? "").split(" ")).filter(Boolean);
  const named = new Set([...document.querySelectorAll("*")].flatMap(namesOf));
  const isBound = (element) => named.has(element.id) || namesOf(element).length > 0;
  const VALUED = ["class", "style", "role", "scope", "tabindex"];

  const makes = new Map();
  function make(element) {
    const inner = [...element.children].map(make);
    const attributes = element.getAttributeNames().filter((name) => name !== "id");
    const told = attributes.map((name) => {
      const value = element.getAttribute(name);
      return `${name}=${VALUED.includes(name) ? value : Boolean(value.trim())}`;
    });
    const found = number([element.tagName, ...told.sort(), Boolean(element.textContent.trim()), ...inner].join(" "));
    makes.set(element, found);
    return found;
  }

  // of a line, a link or a row no part is taken: it would be another one
  const HOLDERS = ["ARTICLE", "BODY", "DETAILS", "DIV", "MAIN", "NAV", "OL", "PRE", "SECTION", "TBODY", "UL"];
  const counts = new Map();
  function reduce(element, place) {
    for (const child of [...element.children]) {
      const here = number(`${place} ${child.tagName} ${child.className}`);
      const alike = number(`${here} ${makes.get(child)}`);
      const count = (counts.get(alike) ?? 0) + 1;
      counts.set(alike, count);
      if ((count > 2 || before.has(alike)) && HOLDERS.includes(element.tagName) && ![child, ...child.querySelectorAll("*")].some(isBound)) child.remove();
      else if (child.tagName !== "svg") reduce(child, here);
    }
  }

  make(document.body);
  reduce(document.body, "");
  return [...counts.keys()].filter((alike) => !before.has(alike));
}
