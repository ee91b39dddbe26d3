// A file dropped on any page is opened; its page is where the server leads.
const isFile = (event) => event.dataTransfer?.types.includes("Files");

document.addEventListener("dragover", (event) => {
  if (!isFile(event)) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "copy";
});

document.addEventListener("drop", (event) => {
  if (!isFile(event)) return;
  event.preventDefault();
  // A form's own way: the answer, also one that refuses the file, is a page like any other.
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/open";
  form.enctype = "multipart/form-data";
  form.hidden = true;
  const input = document.createElement("input");
  input.type = "file";
  input.name = "file";
  input.multiple = true;
  input.files = event.dataTransfer.files;
  form.append(input);
  document.body.append(form);
  form.submit();
});
