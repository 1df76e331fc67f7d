// Copies a link to a draft at one press. Without this script, or over plain HTTP, it is marked and copied by hand.
let last;
for (const field of navigator.clipboard ? document.querySelectorAll(".share-links [readonly]") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Copy it";
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      if (last) last.textContent = "Copy it"; // What was copied before is not there to be pasted any more.
      button.textContent = "Copied";
      last = button;
    } catch {
      field.select(); // The browser does not let us: all that is left is Ctrl+C.
    }
  });
  field.closest("li").querySelector("form").before(button);
}
