// Lets people look at the password that they type. Without this script the field is an ordinary one.
for (const field of document.querySelectorAll("input[type=password]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet meta";
  button.setAttribute("aria-controls", field.id);
  const name = field.labels[0].textContent.toLowerCase();
  const show = (visible) => {
    field.type = visible ? "text" : "password";
    button.textContent = `${visible ? "Hide" : "Show"} the ${name}`;
  };
  button.addEventListener("click", () => show(field.type === "password"));
  // What is sent as text would be offered again by the browser as something once typed.
  field.form.addEventListener("submit", () => show(false));
  show(false);
  field.after(button);
}
