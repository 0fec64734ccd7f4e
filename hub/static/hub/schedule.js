/* While a schedule is written: its next times and what clock changes do to it, asked of the hub as one types. */
"use strict";

(() => {
  const shown = document.getElementById("schedule-preview");
  const rule = document.getElementById("id_schedule");
  const zone = document.getElementById("id_time_zone");
  if (!shown || !rule || !zone) return;
  let timer = 0;

  const ask = async () => {
    const asked = new URLSearchParams({ schedule: rule.value, time_zone: zone.value });
    try {
      const answer = await fetch(`${shown.dataset.address}?${asked}`, { headers: { "X-Requested-With": "fetch" } });
      if (answer.ok && !answer.redirected) shown.innerHTML = await answer.text();
    } catch {
      shown.textContent = "The next times cannot be shown: the hub does not answer.";
    }
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(ask, 300); };

  rule.addEventListener("input", soon);
  zone.addEventListener("change", soon);
  ask();
})();
