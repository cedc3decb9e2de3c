// Dark or light: what the reader's system says, until the button on top is pressed. It runs before the page is drawn.
const colours = {
  sheet: document.getElementById("dark"), system: matchMedia("(prefers-color-scheme: dark)"),
  chosen() { try { return localStorage.getItem("look"); } catch { return null; } },
  isDark() { return (this.chosen() || (this.system.matches ? "dark" : "light")) === "dark"; },
  apply() {
    const chosen = this.chosen();
    this.sheet.media = chosen ? (chosen === "dark" ? "screen" : "not all") : "screen and (prefers-color-scheme: dark)";
  },
  name(button) { button.setAttribute("aria-label", this.isDark() ? "light colours" : "dark colours"); },
};
colours.apply();
addEventListener("DOMContentLoaded", () => {
  const button = document.querySelector("button.look");
  colours.name(button);
  button.onclick = () => {
    const wanted = colours.isDark() ? "light" : "dark";
    // the system's own look is nothing to remember
    try {
      if ((wanted === "dark") === colours.system.matches) localStorage.removeItem("look");
      else localStorage.setItem("look", wanted);
    } catch { return; }
    colours.apply();
    colours.name(button);
  };
});
