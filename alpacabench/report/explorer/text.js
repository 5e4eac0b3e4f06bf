"use strict";
/* Elements, and texts with what is marked in them. Every text is set as text. */
const Text = (() => {
  const WORDS_MAY_TAKE = 80, LINES_MAY_TAKE = 30; /* milliseconds to compare two texts */

  const element = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  };

  const formats = [];
  const number = (value, digits = 0, signed = false) => {
    if (value === null || value === undefined) return "–";
    formats[digits] ??= new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    const text = formats[digits].format(Math.abs(value));
    const zero = !/[1-9]/.test(text);
    return (zero ? "" : value < 0 ? "−" : signed ? "+" : "") + text;
  };

  /* A text with the spans of findings marked; spans that overlap are marked once. Of a conversation each message is a
     box of its own. */
  const marked = (text, flags, parts = []) => {
    const box = element("pre", { dir: "auto" });
    const inside = parts.filter(([start]) => start < text.length);
    inside.forEach(([start, role], n) => {
      const end = inside[n + 1]?.[0] ?? text.length;
      const within = flags.filter((flag) => flag[4] !== null && flag[4] >= start && flag[5] <= end);
      box.append(element("div", { class: `said ${role}` }, ...pieces(text, within, start, end)));
    });
    if (!inside.length) box.append(...pieces(text, flags, 0, text.length));
    return box;
  };

  const pieces = (text, flags, from, to) => {
    const box = [];
    let at = from;
    const spans = flags.filter((flag) => flag[4] !== null && flag[5] > flag[4]).sort((a, b) => a[4] - b[4]);
    for (const [check, rule, message, , start, end] of spans) {
      if (start < at || end > to) continue;
      box.push(text.slice(at, start), element("mark", { title: `${check}: ${rule}. ${message}` }, text.slice(start, end)));
      at = end;
    }
    box.push(text.slice(at, to).trimEnd());
    return box;
  };

  /* Both texts with what differs, and the share that is in both; null where that would take too long. */
  const differences = (before, after) => {
    const parts = Diff.diffWordsWithSpace(before, after, { timeout: WORDS_MAY_TAKE })
      ?? Diff.diffLines(before, after, { timeout: LINES_MAY_TAKE });
    if (!parts) return null;
    const left = element("pre", { dir: "auto" }), right = element("pre", { dir: "auto" });
    let common = 0;
    for (const part of parts) {
      if (!part.added && !part.removed) common += part.value.length;
      if (!part.added) left.append(part.removed ? element("del", {}, part.value) : part.value);
      if (!part.removed) right.append(part.added ? element("ins", {}, part.value) : part.value);
    }
    return { texts: [left, right], common: common / Math.max(before.length, after.length, 1) };
  };

  return { element, number, marked, differences };
})();
