// Keeps the page of a run up to date while it is going on, and stops when it has ended.
"use strict";

(() => {
  const WAIT = 1500;
  const MOST_WAIT = 15000;
  let failures = 0;

  const live = () => document.getElementById("run-live");

  /** Fetches a page of the hub as a document; null when it cannot be had. */
  async function fetched(url) {
    const answer = await fetch(url, { headers: { "X-Requested-With": "fetch" }, redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  /** Puts the new part in the place of the old one, keeping the keyboard where it was. */
  function replace(old, fresh) {
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    old.replaceWith(fresh);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  /** Told to screen readers only when the sentence is another one. */
  function announce(text) {
    const place = document.getElementById("run-announce");
    if (place && text && place.textContent !== text) place.textContent = text;
  }

  function plan() {
    const wait = Math.min(MOST_WAIT, WAIT * 2 ** failures);
    window.setTimeout(refresh, document.hidden ? MOST_WAIT : wait);
  }

  async function refresh() {
    const shown = live();
    if (!shown || shown.dataset.going !== "yes") return;
    try {
      const fresh = (await fetched(shown.dataset.url)).getElementById("run-live");
      if (!fresh) return;
      failures = 0;
      announce(fresh.dataset.announce);
      replace(shown, fresh);
      if (fresh.dataset.going === "yes") plan();
      else await finish();
    } catch {
      failures += 1;
      plan();
    }
  }

  /** The run has ended: its buttons, its records and its changes are other ones now. */
  async function finish() {
    const page = await fetched(window.location.href);
    for (const id of ["run-page", "page-buttons"]) {
      const old = document.getElementById(id);
      const fresh = page.getElementById(id);
      if (old && fresh) replace(old, fresh);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (live()?.dataset.going === "yes") plan();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && failures === 0) refresh();
  });
})();
