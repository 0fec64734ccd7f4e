/* Reads the progress of a run aloud: only when the sentence is another one, and in a place that stays. */
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("run-announce");
  const region = document.getElementById("run-live");
  if (!place || !region) return;

  const tell = () => {
    const text = region.querySelector("[data-announce]")?.dataset.announce || "";
    if (text && place.textContent !== text) place.textContent = text;
  };
  new MutationObserver(tell).observe(region, { childList: true });
});
