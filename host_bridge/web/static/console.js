// What is better done in the browser than asked of the server: relative times that tick, whether
// the page is looked at, the theme, a form that was not sent, the keyboard's place, and points
// appended to a living curve.
const coffee = (() => {
  const steps = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [Infinity, 86400, "d"]];

  function size(seconds) {
    const [, unit, name] = steps.find(([below]) => seconds < below);
    return Math.floor(seconds / unit) + " " + name;
  }

  // What the bridge's clock is ahead of this browser's: times that people read are the bridge's.
  let ahead = 0;
  document.addEventListener("DOMContentLoaded", () => {
    const told = document.querySelector("meta[name=coffee-now]");
    if (told) ahead = Number(told.content) - Date.now();
  });

  function ago(ms) {
    const seconds = (Date.now() + ahead - ms) / 1000;
    if (Math.abs(seconds) < 5) return "just now";
    return seconds < 0 ? "in " + size(-seconds) : size(seconds) + " ago";
  }

  function tickTimes() {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("time[data-ms]")) {
      const ms = Number(element.dataset.ms);
      const text = ago(ms);
      if (element.textContent !== text) element.textContent = text;
      const exact = new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
      if (element.title !== exact) element.title = exact;
    }
  }
  setInterval(tickTimes, 5000);

  // The server's timers rest while nobody looks.
  document.addEventListener("visibilitychange", () => {
    emitEvent("page_visible", !document.hidden);
    tickTimes();
  });

  function remember(name, value) {
    document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=strict`;
  }

  function toggleTheme() {
    const dark = !document.body.classList.contains("body--dark");
    setDark(dark);
    remember("coffee_theme", dark ? "dark" : "light");
  }

  // A chart is drawn for its place on the screen; with the size it was drawn for, paper can scale it.
  const drawings = () => document.querySelectorAll(".curve svg");
  addEventListener("beforeprint", () => {
    for (const svg of drawings()) {
      const [width, height] = ["width", "height"].map((side) => svg.getAttribute(side));
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    }
  });
  addEventListener("afterprint", () => {
    for (const svg of drawings()) svg.removeAttribute("viewBox");
  });

  async function logout(user) {
    await fetch("/logout", { method: "POST" });
    forget(user);
    forgets = true;
    location.reload();
  }

  // The browser asks before it leaves a form that was not sent: the server says what it holds of
  // it; of what was typed just now, or while the bridge was away, it has not heard yet. A page that
  // comes back by itself, since the bridge was started anew, asks nobody and finds it again.
  const UNHEARD_MS = 2000;
  const KEPT = "coffee_unsent:";
  let work = null;
  let unsent = false;
  let writer = null;
  let typedAt = -UNHEARD_MS;
  let typedAway = false;
  let comesBack = false;
  let watched = false;
  let waits = false;
  let forgets = false;
  let resting = null;

  window.addEventListener("beforeunload", (event) => {
    if (!unsent && !typedAway && performance.now() - typedAt >= UNHEARD_MS) return;
    // who logged out and agreed to lose it has done with it, who stays goes on writing
    if (forgets) remaining(null);
    else keep();
    forgets = false;
    if (comesBack) return;
    // a browser asks nobody who touched nothing, and complains when told to
    if (navigator.userActivation?.hasBeenActive ?? true) event.preventDefault();
  });

  function keep() {
    if (work === null || waits) return;
    const inputs = [...document.querySelectorAll("input[data-field]")];
    const fields = Object.fromEntries(inputs.map((input) => [input.dataset.field, input.value]));
    remaining(JSON.stringify({ writer, work, fields }));
  }

  // What was kept of this page, with `next` in its place; null, too, where the browser keeps
  // nothing: it still asks then.
  function remaining(next) {
    const page = KEPT + location.pathname + location.search;
    try {
      const kept = sessionStorage.getItem(page);
      sessionStorage.removeItem(page);
      if (next !== null) sessionStorage.setItem(page, next);
      return kept;
    } catch {
      return null;
    }
  }

  // What they left on other pages of this tab waits for nobody any more; what others left still does.
  function forget(user) {
    try {
      for (const page of Object.keys(sessionStorage).filter((name) => name.startsWith(KEPT))) {
        if (JSON.parse(sessionStorage[page]).writer === user) sessionStorage.removeItem(page);
      }
    } catch {
      return;  // the browser keeps nothing
    }
  }

  // What this page held unsent before it was loaded again; null: nothing, or of somebody else; a
  // guest may have logged in meanwhile. Of whoever's session ended meanwhile it gives the name
  // alone, and keeps the rest until they are back. user: who looks at it now, null: a guest
  function recalled(user) {
    writer = user;
    const kept = JSON.parse(remaining(null));
    const again = performance.getEntriesByType("navigation")[0]?.type === "reload";
    if (!kept || !(again || kept.waits)) return null;
    if (user === null && kept.writer !== null) return wait(kept);
    return [null, user].includes(kept.writer) ? { work: kept.work, fields: kept.fields } : null;
  }

  function wait(kept) {
    waits = true;
    remaining(JSON.stringify({ ...kept, waits }));
    return { waits: kept.writer };
  }

  function watch() {
    if (watched) return;
    watched = true;
    window.socket.on("connect", () => { comesBack = false; rest(false); });
    window.socket.on("disconnect", () => rest(true));
    window.socket.on("connect_error", ({ message }) => {  // NiceGUI loads the page again at these
      comesBack = ["timeout", "Implicit handshake failed"].includes(message);
    });
  }

  // What a button or a choice of the form does, the bridge does: while it is away they rest, as
  // what is pressed then would be lost, in an open menu or dialog, too: on a phone that is where a
  // choice opens. What is typed is not. What was taken from the keyboard it gets back; what people
  // left themselves, as to put a phone's keyboard away, it does not.
  const CONTROLS =
    ".split :is(button, .q-select), .q-menu .q-item, .q-dialog :is(button, .q-item)";
  function rest(away) {
    const at = document.activeElement;
    if (away) resting = at?.closest(CONTROLS) ? at : null;
    for (const control of document.querySelectorAll(CONTROLS)) control.inert = away;
    if (!away && document.activeElement === document.body) resting?.focus({ preventScroll: true });
  }

  function typed() {
    typedAt = performance.now();
    typedAway ||= !window.socket.connected;
  }

  // held: what the server holds of the form; changed: the machine does not
  function unsaved(held, changed) {
    watch();
    work = held;
    unsent = changed;
    typedAway = false;
  }

  function leave(path) {
    unsaved(null, false);
    typedAt = -UNHEARD_MS;
    location.assign(path);
  }

  // What is taken away or drawn anew under the keyboard leaves it nowhere: a link goes on in the
  // one that took its place, a list's button in the same row or the next, a dialog where it was
  // opened.
  let stood = null;
  let opener = () => null;

  function likeIt(box, href) {
    return [...box.querySelectorAll("a")].filter((link) => link.getAttribute("href") === href);
  }

  function named(row) {
    return row.dataset.checkpoint ?? row.dataset.quarantine ?? row.dataset.slot;
  }

  function inNextRow(target, row) {
    const list = row.parentElement;
    const rows = () => [...list.querySelectorAll(":scope > article")];
    const nth = rows().indexOf(row);
    const button = [...row.querySelectorAll("button")].indexOf(target);
    return () => {
      const now = rows();
      const same = named(row) && now.find((other) => named(other) === named(row));
      const next = same ?? now[nth] ?? now.at(-1);
      return next?.querySelectorAll("button")[button];
    };
  }

  function successor(target) {
    const row = target.closest("article");
    if (row && target.matches("button")) return inNextRow(target, row);
    const box = target.matches("a[href]") && target.closest("[id]");
    if (!box) return () => null;
    const href = target.getAttribute("href");
    const nth = likeIt(box, href).indexOf(target);
    return () => likeIt(box, href)[nth];
  }

  function orNext(target) {
    const next = successor(target);
    return () => (target.isConnected ? target : next());
  }

  document.addEventListener("focusin", ({ target }) => {
    const asked = target.closest(".q-dialog");
    if (!asked) opener = orNext(target);
    stood = { target, next: asked ? opener : successor(target) };
  });
  document.addEventListener("focusout", ({ target }) => {
    // a person went on; what was taken away is not connected any more, a dialog fades first
    const stays = () => target.isConnected && !target.closest(".q-dialog");
    setTimeout(() => { if (stood?.target === target && stays()) stood = null; });
  });
  new MutationObserver(() => {
    if (!stood || stood.target.isConnected || document.activeElement !== document.body) return;
    stood.next()?.focus({ preventScroll: true });
  }).observe(document, { childList: true, subtree: true });

  // points: one list of [seconds, value] a series, in the chart's order
  // top: of the yield's axis, null: as the data want it
  function append(id, points, top) {
    const chart = getElement(id)?.chart;
    if (!chart) return;
    const series = chart.getOption().series.map((line, i) => ({ data: line.data.concat(points[i] ?? []) }));
    chart.setOption({ series, yAxis: [{}, {}, { max: top }] });
  }

  return { append, leave, logout, recalled, toggleTheme, typed, unsaved };
})();
