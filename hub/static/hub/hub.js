/* The hub's own behaviour: parts of a page that stay fresh, and what the theme leaves out for the keyboard. */
"use strict";

(() => {
  // --- fresh parts ------------------------------------------------------------------------------------
  // <div data-refresh="address" data-every="4"> is fetched again and again. Its children that have an id are
  // replaced one by one, and only when they changed, so that focus, selection and open details stay. The server
  // ends it by leaving out data-refresh in an answer header: X-Refresh: stop. A hidden tab asks for nothing.

  const SLOWEST = 60;

  class Fresh {
    constructor(region) {
      this.region = region;
      this.every = Number(region.dataset.every || 5);
      this.wait = this.every;
      this.last = new Map();
      this.note = document.getElementById(region.dataset.note || "");
      for (const child of region.children) this.last.set(child.id, null);
      document.addEventListener("visibilitychange", () => this.plan(document.hidden ? null : 0));
      this.plan(this.every);
    }

    plan(seconds) {
      clearTimeout(this.timer);
      if (seconds === null || this.ended || document.hidden) return;
      this.timer = setTimeout(() => this.ask(), seconds * 1000);
    }

    async ask() {
      try {
        const answer = await fetch(this.region.dataset.refresh, { headers: { "X-Requested-With": "fetch" } });
        if (answer.redirected || answer.status === 403 || answer.status === 404) return this.end("You were signed out, or this is gone. Load the page again.");
        if (!answer.ok) throw new Error(String(answer.status));
        this.take(await answer.text());
        this.say("");
        this.wait = this.every;
        if (answer.headers.get("X-Refresh") === "stop") return this.end("");
        if (answer.headers.get("X-Refresh") === "reload") return window.location.reload();
      } catch {
        this.say("Not live: the hub does not answer. Trying again.");
        this.wait = Math.min(SLOWEST, this.wait * 2);
      }
      this.plan(this.wait);
    }

    end(reason) {
      this.ended = true;
      this.say(reason);
    }

    say(text) {
      if (this.note && this.note.textContent !== text) this.note.textContent = text;
    }

    take(html) {
      const template = document.createElement("template");
      template.innerHTML = html;
      sized(template.content);
      const seen = new Set();
      let before = null;
      for (const fresh of [...template.content.children]) {
        seen.add(fresh.id);
        const present = document.getElementById(fresh.id);
        const text = fresh.outerHTML;
        const isNew = !present || present.parentElement !== this.region;
        const placed = isNew || this.last.get(fresh.id) !== text ? this.place(fresh, isNew ? null : present, before) : present;
        this.last.set(fresh.id, text);
        before = placed;
      }
      for (const child of [...this.region.children]) if (!seen.has(child.id)) child.remove();
    }

    place(fresh, present, before) {
      if (!present) {
        if (before) before.after(fresh);
        else this.region.prepend(fresh);
        return fresh;
      }
      if (present.outerHTML === fresh.outerHTML) return present;
      const open = [...present.querySelectorAll("details[id]")].filter((one) => one.open).map((one) => one.id);
      const focus = present.contains(document.activeElement) ? placeOf(document.activeElement, present) : null;
      present.replaceWith(fresh);
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (focus) fresh.querySelectorAll(focus.what)[focus.which]?.focus({ preventScroll: true });
      return fresh;
    }
  }

  // Where the focus was: which of the elements of its kind, so that it is found again in what takes its place.
  function placeOf(element, region) {
    const href = element.getAttribute("href");
    const what = href ? `a[href="${CSS.escape(href)}"]` : element.tagName.toLowerCase();
    return { what, which: [...region.querySelectorAll(what)].indexOf(element) };
  }

  // --- sizes that come with the figures ----------------------------------------------------------------
  // The content policy refuses styles in the page, so bars say how large they are and are drawn from here.

  function sized(root) {
    for (const bar of root.querySelectorAll("[data-grow]")) bar.style.flexGrow = bar.dataset.grow;
    for (const bar of root.querySelectorAll("[data-percent]")) bar.style.width = `${bar.dataset.percent}%`;
  }

  // --- forms that take a while ------------------------------------------------------------------------
  // <form data-busy="Reading …">: the button says so and cannot be pressed twice.

  function busy(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.busy) return;
    const button = event.submitter || form.querySelector("[type=submit]");
    setTimeout(() => {
      button.disabled = true;
      button.replaceChildren(Object.assign(document.createElement("span"), { className: "hub-spin" }), ` ${form.dataset.busy}`);
      button.setAttribute("aria-live", "polite");
    });
  }

  // --- keyboard and screen readers: what the theme leaves out -------------------------------------------

  const CLICKED = "[x-on\\:click]:not(button, input, select, textarea, a[href], #changelist-filter-close)";

  function reachable(root) {
    for (const icon of root.querySelectorAll(".material-symbols-outlined:not([aria-hidden], [x-on\\:click])")) {
      icon.setAttribute("aria-hidden", "true");
    }
    for (const input of root.querySelectorAll(".vDateField:not([aria-label]), .vTimeField:not([aria-label])")) {
      const label = input.closest(".form-row, .field-row, fieldset")?.querySelector("label")?.textContent.trim() || "";
      input.setAttribute("aria-label", `${label} ${input.matches(".vDateField") ? "date" : "time"}`.trim());
    }
    for (const element of root.querySelectorAll(CLICKED)) {
      if (element.hasAttribute("tabindex")) continue;
      element.tabIndex = 0;
      element.setAttribute("role", "button");
      if (element.matches(".material-symbols-outlined")) element.setAttribute("aria-label", element.textContent.trim().replaceAll("_", " "));
    }
  }

  // A link or button of which only the icon is left after that gets a name.
  function named(root) {
    for (const element of root.querySelectorAll("a[href], button, [role=button]")) {
      if (element.hasAttribute("aria-label") || element.title) continue;
      const spoken = element.cloneNode(true);
      for (const icon of spoken.querySelectorAll("[aria-hidden]")) icon.remove();
      if (spoken.textContent.trim() || spoken.querySelector("img[alt], svg[aria-label]")) continue;
      const isHome = element.getAttribute("href") === "/admin/" || element.pathname === "/admin/";
      element.setAttribute("aria-label", isHome ? "Home" : element.textContent.trim().replaceAll("_", " "));
    }
  }

  function pressed(event) {
    if (event.key !== "Enter" && event.key !== " ") return;
    if (!event.target.matches?.("[role=button][tabindex]:not(button, a[href])")) return;
    event.preventDefault();
    event.target.click();
  }

  document.addEventListener("submit", busy);
  document.addEventListener("keydown", pressed);
  document.addEventListener("DOMContentLoaded", () => {
    sized(document);
    reachable(document);
    named(document);
    for (const region of document.querySelectorAll("[data-refresh]")) new Fresh(region);
  });
  // A page that comes back from the browser's memory shows its buttons as they were before they were pressed.
  window.addEventListener("pageshow", (event) => { if (event.persisted) window.location.reload(); });

  // --- copying ------------------------------------------------------------------------------------------
  // <button data-copy="id"> copies the value of the input of that id; without a clipboard it is selected to be copied.

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const input = document.getElementById(button.dataset.copy);
    input.select();
    try {
      await navigator.clipboard.writeText(input.value);
      button.lastChild.textContent = "Copied";
    } catch {
      input.focus();
    }
  });
})();
