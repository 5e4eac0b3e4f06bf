"use strict";
/* The page: what is chosen, the detail of one prompt, keys, and an address for each prompt. */
(() => {
  const { element, number } = Text;
  const at = (id) => document.getElementById(id);
  const FIRST = { query: "", verdict: "", category: "", source: "", flag: "", sort: "index", down: false };
  const state = { ...FIRST, left: Rows.REFERENCE, right: 0, marks: null, sample: 0, set };
  const ENOUGH = 0.4; /* of the longer text */
  let chosen = null;

  function set(changes) {
    Object.assign(state, changes);
    refresh();
  }

  const nameOf = (setting) => setting === Rows.REFERENCE ? Rows.head().reference : Rows.head().settings[setting];

  const options = (id, first, pairs) => {
    at(id).replaceChildren(element("option", { value: "" }, first),
      ...pairs.map(([value, text]) => element("option", { value }, text)));
    at(id).hidden = !pairs.length;
  };

  const menus = () => {
    const head = Rows.head(), several = head.settings.length > 1;
    options("verdict", "Any verdict", [["won", "Won"], ["lost", "Lost"], ["draw", "Draw"], ["missing", "No verdict"],
      ...(several ? [["flipped", "Flipped"], ["gained", "Flipped to won"], ["dropped", "Flipped to lost"],
        ["same", "Equal answers"]] : []), ["order", "Verdicts disagree"]]);
    const category = Rows.counted((one) => one.category), source = Rows.counted((one) => one.source);
    options("category", "Every category", category.map(([name, n]) => [name, `${name} (${n.toLocaleString("en")})`]));
    options("source", "Every source", source.length > 1 ? source.map(([name, n]) => [name, `${name} (${n.toLocaleString("en")})`]) : []);
    options("flag", "Any answer", [...(head.checks.length ? [["any", "Flagged by a check"]] : []),
      ...head.checks.map((name) => [`check:${name}`, `Check: ${name}`]),
      ["state:cut", "Cut off"], ["state:empty", "Empty"], ["state:failed", "Failed"]]);
    at("sort").replaceChildren(...[["index", "By number"], ["score", "By score"],
      ...(several ? [["change", "By change"], ["size", "By size of change"]] : []), ["length", "By length"],
      ["longer", "By difference in length"], ["prompt", "By length of prompt"]].map(([value, text]) => element("option", { value }, text)));
    at("title").title = `Judged by ${head.judge}`;
    at("links").replaceChildren(...Object.entries(head.links).map(([word, href]) => element("a", { href }, word)));
  };

  const refresh = () => {
    const rows = Rows.choose(state);
    for (const id of ["verdict", "category", "source", "flag", "sort"]) at(id).value = state[id];
    at("turn").textContent = state.down ? "↓" : "↑";
    const all = Rows.all().length, some = Object.keys(FIRST).some((key) => state[key] !== FIRST[key]);
    at("clear").hidden = !some;
    at("count").textContent = rows.length === all ? `${all.toLocaleString("en")} prompts`
      : `${rows.length.toLocaleString("en")} of ${all.toLocaleString("en")} prompts`;
    List.show(rows, state);
    // On a wide screen there is always a prompt to read; on a narrow one the list comes first.
    if (!rows.includes(chosen) && matchMedia("(min-width: 900px)").matches) chosen = rows[0] ?? null;
    show(chosen);
    document.body.dataset.shown = String(rows.length);
  };

  const open = (one) => {
    if (one !== chosen) state.sample = 0;
    chosen = one;
    document.body.classList.add("reading");
    show(one);
    at("detail").scrollTop = 0;
  };

  const show = (one) => {
    List.choose(one);
    at("detail").replaceChildren(...(one ? detail(one) : [element("p", { class: "hint empty" }, "No prompt is chosen.")]));
    remember();
  };

  const chip = (a, setting) => {
    if (setting === Rows.REFERENCE) return element("span", { class: "chip" }, "reference");
    if (!a) return element("span", { class: "chip" }, "not asked");
    if (a.score === null) return element("span", { class: "chip" }, "no verdict");
    const word = a.score > 50 ? "won" : a.score < 50 ? "lost" : "draw";
    return element("span", { class: `chip ${word}`, title: "The judge's preference for this answer to the reference" }, `${word} ${number(a.score)}%`);
  };

  const picker = (which) => element("select", {
    "aria-label": which === "left" ? "Answer on the left" : "Answer on the right",
    onchange: (event) => set({ [which]: Number(event.target.value), sample: 0 }),
  }, ...[Rows.REFERENCE, ...Rows.head().settings.keys()].map((n) => element("option", { value: n, selected: n === state[which] },
    n === Rows.REFERENCE ? `Reference: ${nameOf(n)}` : (Rows.head().settings.length > 1 ? `${List.letter(n)}  ` : "") + nameOf(n))));

  const facts = (a, setting) => {
    if (!a) return "";
    const verdicts = a.verdicts.filter((v) => v[1] !== null).map(([first, score]) =>
      `${number(score)}%${first === null ? "" : first ? " shown first" : " shown second"}`);
    return [a.length === null ? null : `${number(a.length)} ${a.length === 1 ? "character" : "characters"}`, a.finish === "length" ? "cut off at the token limit" : null,
      verdicts.length > 1 && setting !== Rows.REFERENCE ? `verdicts: ${verdicts.join(", ")}` : null, a.failure || null].filter(Boolean).join(" · ");
  };

  const answer = (a, setting, which, body) => element("section", { class: `answer side ${which}` },
    element("div", { class: "who" }, picker(which), chip(a, setting)),
    element("p", { class: "answer-note" }, facts(a, setting)),
    a?.flags.length ? element("ul", { class: "flags" }, ...a.flags.slice(0, 12).map(([check, rule, message, sample]) =>
      element("li", { title: message }, `${check}: ${rule}${a.texts.length > 1 ? `, sample ${sample + 1}` : ""}`))) : null,
    a?.texts.length > 1 ? element("p", { class: "samples" }, ...a.texts.map((_, n) => element("button", {
      type: "button", "aria-pressed": String(n === state.sample), onclick: () => set({ sample: n }),
    }, `sample ${n + 1}`))) : null,
    body);

  const plain = (a, setting) => {
    const text = a?.texts[Math.min(state.sample, a.texts.length - 1)];
    if (text === undefined) return element("pre", { class: "none" }, setting === Rows.REFERENCE ? "(not at hand)" : "(no answer)");
    if (!text.trim()) return element("pre", { class: "none" }, a.failure ? "(no answer)" : "(empty answer)");
    const sample = Math.min(state.sample, a.texts.length - 1);
    return Text.marked(text, a.flags.filter((flag) => flag[3] === sample), a.parts[sample]);
  };

  const detail = (one) => {
    const head = Rows.head(), a = Rows.side(one, state.left), b = Rows.side(one, state.right);
    const texts = [a, b].map((s) => s?.texts[Math.min(state.sample, (s?.texts.length ?? 1) - 1)]);
    const both = texts.every((text) => text !== undefined && text.trim());
    const compared = state.marks !== false && both ? Text.differences(...texts) : null;
    // Unasked, only texts that have much in common are marked: in others everything would be.
    const talk = [a, b].some((s) => s?.parts.some((parts) => parts.length));
    const pair = compared && (state.marks || (compared.common > ENOUGH && !talk)) ? compared.texts : null;
    const [position, total] = List.place();
    const change = Rows.change(one, state.left, state.right);
    const title = [`Prompt ${one.index}`, one.source, one.category].filter(Boolean).join(" · ");
    const shown = [...new Set([a?.shown, b?.shown].filter((text) => text))];
    return [
      element("div", { class: "detail-bar" },
        element("button", { type: "button", class: "back", onclick: close }, "‹ Prompts"),
        element("h2", {}, title),
        element("span", { class: "steps" },
          element("button", { type: "button", "aria-label": "Previous prompt", onclick: () => step(-1) }, "↑"),
          element("span", {}, position < 0 ? "" : `${(position + 1).toLocaleString("en")} / ${total.toLocaleString("en")}`),
          element("button", { type: "button", "aria-label": "Next prompt", onclick: () => step(1) }, "↓"))),
      element("section", { class: "answer instruction" }, element("pre", { dir: "auto" }, one.instruction)),
      ...shown.map((text) => element("details", { class: "reference" },
        element("summary", {}, "What the model was shown"), element("section", { class: "answer" }, changed(one.instruction, text)))),
      element("div", { class: "between" },
        head.settings.length > 1 ? element("span", { class: "strip" }, ...one.answers.map((each, n) => element("button", {
          type: "button", class: n === state.right ? "right" : n === state.left ? "left" : "", title: nameOf(n), onclick: () => set({ right: n }),
        }, element("b", {}, List.letter(n)), List.cell(each, false)))) : null,
        change !== null && state.left !== Rows.REFERENCE ? element("span", { class: "change" }, `${number(change, 0, true)} points`) : null,
        element("label", { class: "toggle" }, element("input", {
          type: "checkbox", id: "marks", checked: pair !== null, onchange: (event) => set({ marks: event.target.checked }),
        }), both && state.marks && !pair ? "Differences (these two are too long to compare)" : "Differences")),
      element("div", { class: "side-by-side" },
        answer(a, state.left, "left", pair ? pair[0] : plain(a, state.left)),
        answer(b, state.right, "right", pair ? pair[1] : plain(b, state.right))),
      state.left !== Rows.REFERENCE && state.right !== Rows.REFERENCE && one.reference !== null
        ? element("details", { class: "reference" }, element("summary", {}, `Answer of the reference, ${head.reference}`),
          element("section", { class: "answer" }, element("pre", { dir: "auto" }, one.reference))) : null,
    ].filter(Boolean);
  };

  const changed = (before, after) => {
    const pair = Text.differences(before, after);
    return pair ? pair.texts[1] : element("pre", { dir: "auto" }, after);
  };

  function step(by) {
    const next = List.step(by);
    if (next) open(next);
  }

  function close() {
    document.body.classList.remove("reading");
    at("scroller").focus();
  }

  const remember = () => {
    const words = new URLSearchParams();
    if (chosen) words.set("p", chosen.index);
    for (const key of Object.keys(FIRST)) if (state[key] !== FIRST[key]) words.set(key, state[key]);
    // A page inside of another one, as in a notebook, has no address.
    try { history.replaceState(null, "", `#${words}`); } catch { /* nothing is lost */ }
  };

  const recall = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    for (const key of Object.keys(FIRST)) if (words.has(key)) state[key] = key === "down" ? words.get(key) === "true" : words.get(key);
    at("search").value = state.query;
    const wanted = words.get("p");
    if (wanted !== null) {
      chosen = Rows.all().find((one) => String(one.index) === wanted) ?? null;
      if (chosen) document.body.classList.add("reading");
    }
  };

  const KEYS = {
    j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
    d: () => at("marks")?.click(),
    l: () => turn(1), h: () => turn(-1),
    m: () => document.body.classList.toggle("matrix"),
    "/": () => at("search").select(),
    "?": () => at("help").click(),
    Escape: close,
    Enter: () => chosen && open(chosen),
  };

  const turn = (by) => {
    const n = Rows.head().settings.length;
    let next = (state.right + by + n) % n;
    if (next === state.left && n > 1) next = (next + by + n) % n;
    set({ right: next });
  };

  const wire = () => {
    for (const id of ["verdict", "category", "source", "flag", "sort"]) at(id).addEventListener("change", () => set({ [id]: at(id).value }));
    at("turn").addEventListener("click", () => set({ down: !state.down }));
    at("search").addEventListener("input", () => set({ query: at("search").value.trim() }));
    at("clear").addEventListener("click", () => { at("search").value = ""; set(FIRST); });
    at("help").addEventListener("click", () => {
      at("keys").hidden = !at("keys").hidden;
      at("help").setAttribute("aria-expanded", String(!at("keys").hidden));
    });
    document.addEventListener("keydown", (event) => {
      const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName) && event.target.type !== "checkbox";
      if (typing && event.key === "Escape") event.target.blur();
      if (typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
      if (event.key === "Enter" && event.target.closest("button, a, summary")) return;
      event.preventDefault();
      KEYS[event.key]();
    });
  };

  const start = async () => {
    const head = await Rows.unpack();
    if (head.settings.length > 1) {
      state.left = head.base;
      state.right = head.base === 0 ? 1 : 0;
    }
    List.start(open);
    menus();
    wire();
    recall();
    refresh();
    Rows.prepare();
    document.body.dataset.ready = "true";
  };

  start().catch((error) => { at("count").textContent = `This browser cannot show the page: ${error.message}`; });
})();
