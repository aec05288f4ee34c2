"use strict";
(() => {
  const mark = () => {
    for (const each of document.querySelectorAll(".scroll")) {
      each.classList.toggle("wide", each.scrollWidth > each.clientWidth + 1);
    }
  };
  mark();
  addEventListener("resize", mark);
  for (const each of document.querySelectorAll("details")) each.addEventListener("toggle", mark);
  const slider = document.getElementById("assume");
  if (!slider) return;
  const lang = document.documentElement.lang;
  const whole = new Intl.NumberFormat(lang);
  const tenths = new Intl.NumberFormat(lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const percent = (share) => `${tenths.format(share * 100)}\u00a0%`;
  // As printed: a lower bound is rounded down, an upper one up.
  const outward = (share, part) => (part === 1 ? Math.ceil(share * 1000 - 1e-9) / 1000 : share);
  const at = (element, low, high, part) => {
    const from = Number(element.dataset[low]);
    return from + part * (Number(element.dataset[high]) - from);
  };
  const shade = (tile, share) => {
    const step = Math.min(Math.floor(share * 10), 9);
    for (const each of tile.querySelectorAll("rect, text")) {
      const kind = each.tagName === "rect" ? "shade" : "on-shade";
      const kept = each.classList.contains("assumed") ? "assumed " : "";
      each.setAttribute("class", `${kept}fill-${kind}-${step}`);
    }
  };
  const show = () => {
    const part = Number(slider.value) / 100;
    const shown = `${slider.value}\u00a0%`;
    document.getElementById("assumed-part").textContent = shown;
    for (const each of document.querySelectorAll(".assumed[data-low]")) {
      each.hidden = part === 0;
      each.textContent = each.dataset.text
        .replace("{part}", shown)
        .replace("{share}", percent(outward(at(each, "low", "high", part), part)))
        .replace("{n}", whole.format(Math.round(at(each, "n", "most", part))));
    }
    for (const tile of document.querySelectorAll(".tile")) {
      const share = at(tile, "low", "high", part);
      shade(tile, share);
      tile.querySelector(".assumed").textContent = part === 0 ? "\u00a0" : percent(outward(share, part));
    }
    for (const each of document.querySelectorAll(".assumed-tiles")) {
      each.hidden = part === 0;
      each.textContent = each.dataset.text.replace("{part}", shown);
    }
    for (const bar of document.querySelectorAll(".bar .share")) {
      bar.setAttribute("width", `${part * Number(bar.dataset.width)}%`);
    }
    for (const mark of document.querySelectorAll(".span .assumption")) {
      mark.setAttribute("width", part === 0 ? 0 : 3);
      mark.setAttribute("x", `${100 * at(mark, "low", "high", part)}%`);
    }
  };
  document.querySelector(".assume").hidden = false;
  slider.addEventListener("input", show);
  show();
})();
