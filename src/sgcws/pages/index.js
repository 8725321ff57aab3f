/** Fills in this server's own address wherever the page shows one. */
(() => {
  "use strict";

  const secure = location.protocol === "https:" ? "s" : "";

  for (const place of document.querySelectorAll("[data-address]")) {
    const { address, scheme = "ws" } = place.dataset;
    place.textContent = `${scheme}${secure}://${location.host}${address}`;
  }
})();
