// Asks again for a page that failed, the selected span in the address kept.
import { byId } from "./dom.js";

setTimeout(() => {
  const address = new URL(location.href);
  address.searchParams.set("try", Number(address.searchParams.get("try") ?? 0) + 1);
  location.replace(address);
}, Number(byId("retry").dataset.after) * 1000);
