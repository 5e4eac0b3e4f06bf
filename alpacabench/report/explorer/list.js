"use strict";
/* The prompts by settings: of thousands of lines only those that can be seen are in the page. */
const List = (() => {
  const { element, number } = Text;
  const AROUND = 6; /* lines above and below what can be seen */
  const WITH_NUMBERS = 8; /* settings whose cells have room for a number */
  let shown = [], chosen = null, open = () => {};
  const scroller = document.getElementById("scroller"), runway = document.getElementById("runway");

  const height = () => parseFloat(getComputedStyle(scroller).getPropertyValue("--line"));
  const letter = (n) => (n >= 26 ? letter(Math.floor(n / 26) - 1) : "") + String.fromCharCode(65 + (n % 26));

  const columns = (state) => {
    const { settings } = Rows.head();
    scroller.classList.toggle("dense", settings.length > WITH_NUMBERS);
    scroller.style.setProperty("--settings", settings.length);
    const cells = settings.map((name, n) => element("button", {
      type: "button", class: n === state.right ? "right" : n === state.left ? "left" : "",
      title: `${name}, mean ${number(Rows.mean(n), 1)}%. Shows it on the right`, "aria-label": `Show ${name} on the right`,
      onclick: () => state.set({ right: n, left: state.left === n ? state.right : state.left }),
    }, settings.length > 1 ? letter(n) : "%"));
    document.getElementById("columns").replaceChildren(
      element("span", { class: "at" }, "#"), element("span", { class: "prompt-text" }, "Prompt"),
      element("span", { class: "kind" }, "Category"), element("span", { class: "cells" }, ...cells));
  };

  const tone = (score) => {
    // Grey at 50: the further from it, the stronger the colour of the side that is better.
    const strength = Math.round(Math.abs(score - 50) * 1.7) + (score === 50 ? 0 : 10);
    return `--tone: ${score > 50 ? "var(--win)" : "var(--loss)"}; --strength: ${Math.min(strength, 95)}%`;
  };

  const cell = (answer, dense) => {
    if (!answer) return element("i", { class: "cell absent", title: "not asked" });
    const failed = answer.score === null;
    const text = failed ? (answer.failure ? "!" : "–") : number(answer.score);
    const flags = answer.flags.length > 0;
    return element("i", {
      class: `cell${failed ? " absent" : ""}${flags ? " flagged" : ""}${!failed && Math.abs(answer.score - 50) > 38 ? " strong" : ""}`,
      style: failed ? null : tone(answer.score), title: failed ? answer.failure || "no verdict" : `${number(answer.score, 1)}%`,
    }, dense ? "" : text);
  };

  const line = (one, top) => {
    const dense = scroller.classList.contains("dense");
    return element("div", {
      class: `line${one === chosen ? " chosen" : ""}`, role: "row", style: `transform: translateY(${top}px)`,
      "aria-selected": String(one === chosen), "data-index": one.index, onclick: () => open(one),
    },
      element("span", { class: "at" }, String(one.index)),
      element("span", { class: "prompt-text", dir: "auto" }, one.instruction.slice(0, 220).replace(/\s+/g, " ")),
      element("span", { class: "kind" }, one.category),
      element("span", { class: "cells" }, ...one.answers.map((answer) => cell(answer, dense))));
  };

  const draw = () => {
    const tall = height(), first = Math.max(0, Math.floor(scroller.scrollTop / tall) - AROUND);
    const last = Math.min(shown.length, Math.ceil((scroller.scrollTop + scroller.clientHeight) / tall) + AROUND);
    runway.style.height = `${shown.length * tall}px`;
    runway.replaceChildren(...shown.slice(first, last).map((one, n) => line(one, (first + n) * tall)));
  };

  const show = (rows, state) => {
    shown = rows;
    columns(state);
    scroller.scrollTop = Math.min(scroller.scrollTop, Math.max(0, rows.length * height() - scroller.clientHeight));
    draw();
  };

  const choose = (one) => {
    chosen = one;
    const at = shown.indexOf(one), tall = height(), header = document.getElementById("columns").offsetHeight;
    if (at >= 0) {
      const top = at * tall, room = scroller.clientHeight - header;
      if (top < scroller.scrollTop) scroller.scrollTop = top;
      else if (top + tall > scroller.scrollTop + room) scroller.scrollTop = top + tall - room;
    }
    draw();
  };

  const start = (onopen) => {
    open = onopen;
    let waiting = false;
    scroller.addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; draw(); });
    }, { passive: true });
    new ResizeObserver(draw).observe(scroller);
  };

  const step = (by) => {
    if (!shown.length) return null;
    const at = shown.indexOf(chosen);
    return shown[at < 0 ? 0 : Math.min(Math.max(at + by, 0), shown.length - 1)];
  };

  return { start, show, choose, step, cell, letter, place: () => [shown.indexOf(chosen), shown.length] };
})();
