// What is better done in the browser than asked of the server: relative times that tick, whether
// the page is looked at, the theme, and points appended to a living curve.
const coffee = (() => {
  const steps = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [Infinity, 86400, "d"]];

  function size(seconds) {
    const [, unit, name] = steps.find(([below]) => seconds < below);
    return Math.floor(seconds / unit) + " " + name;
  }

  function ago(ms) {
    const seconds = (Date.now() - ms) / 1000;
    if (Math.abs(seconds) < 5) return "just now";
    return seconds < 0 ? "in " + size(-seconds) : size(seconds) + " ago";
  }

  function tickTimes() {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("time[data-ms]")) {
      const ms = Number(element.dataset.ms);
      const text = ago(ms);
      if (element.textContent !== text) element.textContent = text;
      const exact = new Date(ms).toLocaleString();
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

  async function logout() {
    await fetch("/logout", { method: "POST" });
    location.reload();
  }

  // points: one list of [seconds, value] a series, in the chart's order
  // top: of the yield's axis, null: as the data want it
  function append(id, points, top) {
    const chart = getElement(id)?.chart;
    if (!chart) return;
    const series = chart.getOption().series.map((line, i) => ({ data: line.data.concat(points[i] ?? []) }));
    chart.setOption({ series, yAxis: [{}, {}, { max: top }] });
  }

  return { append, logout, toggleTheme };
})();
