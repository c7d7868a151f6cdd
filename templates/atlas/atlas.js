// Search, the theme, the menu of narrow screens, and the tie between a drawing and its table.
// Every page reads without this script.
"use strict";

const LIMIT = 40;

// --- search ----------------------------------------------------------------------------------------------

let index = null;
let waiting = null;

/** Called by search-index.js, which is loaded as a script so that it also works from a file: address. */
function atlasIndex(document_) {
  index = document_.rows.map(([name, kind, page, anchor, remark]) => ({
    name,
    lower: name.toLowerCase(),
    kind: document_.kinds[kind],
    href: document_.pages[page] + (anchor ? "#" + anchor : ""),
    remark,
  }));
  if (waiting) waiting();
}

function loadIndex(then) {
  if (index) return then();
  waiting = then;
  if (!document.querySelector("script[src='search-index.js']")) {
    const script = document.createElement("script");
    script.src = "search-index.js";
    document.head.append(script);
  }
}

const WEIGHT = { page: 0, struct: 1, feature: 2, registry: 3, constant: 4, member: 5, code: 5, section: 6, gone: 7 };

/** How well one word fits a row: smaller is better, -1 is not at all. */
function fit(word, row) {
  const name = row.lower;
  if (name === word) return 0;
  const at = name.indexOf(word);
  if (at === 0) return 10;
  if (at > 0) return /[a-z0-9]/.test(name[at - 1]) ? 40 : name.length === at + word.length ? 16 : 20;
  const remark = row.remark.toLowerCase();
  const place = remark.indexOf(word);
  if (place < 0) return -1;
  const whole = !/[a-z0-9]/.test(remark[place - 1] || " ") && !/[a-z0-9]/.test(remark[place + word.length] || " ");
  return whole ? 60 : 90;
}

function find(text) {
  const words = text.toLowerCase().split(/[\s.]+/).filter(Boolean);
  const whole = text.trim().toLowerCase();
  if (!words.length) return [];
  const found = [];
  for (const row of index) {
    let score = row.lower === whole ? -5 : 0;
    let fits = true;
    for (const word of words) {
      const one = fit(word, row);
      if (one < 0) {
        fits = false;
        break;
      }
      score += one;
    }
    if (fits) found.push([score + WEIGHT[row.kind] + row.name.length / 100, row]);
  }
  found.sort((a, b) => a[0] - b[0] || (a[1].name < b[1].name ? -1 : 1));
  return found.map(([, row]) => row);
}

function setUpSearch() {
  const input = document.getElementById("search");
  const list = document.getElementById("search-results");
  const status = document.getElementById("search-status");
  let chosen = -1;

  function close() {
    list.hidden = true;
    list.replaceChildren();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    chosen = -1;
  }

  function choose(number) {
    const options = list.children;
    if (!options.length) return;
    if (chosen >= 0) options[chosen].setAttribute("aria-selected", "false");
    chosen = (number + options.length) % options.length;
    options[chosen].setAttribute("aria-selected", "true");
    options[chosen].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", options[chosen].id);
  }

  function show() {
    const text = input.value;
    if (!text.trim()) {
      status.textContent = "";
      return close();
    }
    const found = find(text);
    close();
    for (const [number, row] of found.slice(0, LIMIT).entries()) {
      const option = document.createElement("li");
      option.id = "found-" + number;
      option.role = "option";
      option.setAttribute("aria-selected", "false");
      const link = document.createElement("a");
      link.href = row.href;
      link.tabIndex = -1;
      for (const [part, content] of [["name", row.name], ["kind", row.kind], ["remark", row.remark]]) {
        const span = document.createElement("span");
        span.className = part;
        span.textContent = content;
        link.append(span, " ");
      }
      option.append(link);
      list.append(option);
    }
    const count = found.length === 1 ? "1 name" : found.length + " names";
    status.textContent = found.length ? count + " found" : "Nothing found";
    if (!found.length) {
      const none = document.createElement("li");
      none.className = "none";
      none.textContent = "No name or number fits.";
      list.append(none);
    }
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (found.length) choose(0);
  }

  input.disabled = false;
  input.addEventListener("focus", () => loadIndex(() => {}));
  input.addEventListener("input", () => loadIndex(show));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter" && chosen >= 0) list.children[chosen].querySelector("a").click();
    else if (event.key === "Escape") {
      input.value = "";
      close();
      input.blur();
    } else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    if (event.target.closest("a")) {
      input.blur();
      close();
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".search")) close();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
}

// --- the rest --------------------------------------------------------------------------------------------

function setUpTheme() {
  const button = document.querySelector(".theme-button");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const current = () => document.documentElement.dataset.theme || (system.matches ? "dark" : "light");
  const label = () => {
    button.textContent = current() === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", "Switch to " + button.textContent.toLowerCase() + " colours");
  };
  button.hidden = false;
  label();
  system.addEventListener("change", label);
  button.addEventListener("click", () => {
    const next = current() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem("virtio-atlas-theme", next);
    } catch {
      // the choice then lasts as long as the page
    }
    label();
  });
}

function setUpMenu() {
  const button = document.querySelector(".menu-button");
  button.hidden = false;
  document.documentElement.classList.add("folds");
  const set = (open) => {
    document.documentElement.classList.toggle("menu-open", open);
    button.setAttribute("aria-expanded", String(open));
  };
  button.addEventListener("click", () => set(!document.documentElement.classList.contains("menu-open")));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") set(false);
  });
}

/** A member under the pointer is marked in the drawing and in the table. */
function setUpMarks() {
  for (const type of ["mouseover", "mouseout"]) {
    document.addEventListener(type, (event) => {
      const member = event.target.closest("[data-path]");
      const entry = member && member.closest(".entry, .example");
      if (!entry) return;
      for (const other of entry.querySelectorAll("[data-path]")) {
        if (other.dataset.path === member.dataset.path) other.classList.toggle("marked", type === "mouseover");
      }
    });
  }
}

setUpSearch();
setUpTheme();
setUpMenu();
setUpMarks();
