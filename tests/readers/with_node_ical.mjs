// Reads a calendar from standard input with node-ical. The only argument is the folder of the packages.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const ical = createRequire(process.argv[2] + "/")("node-ical");
const pad = (number) => String(number).padStart(2, "0");
// a whole day is told as the local midnight that begins it
const told = (time) =>
  time.dateOnly ? `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}` : time.toISOString();
const text = (value) => (value && typeof value === "object" ? value.val : value) ?? "";

for (const event of Object.values(ical.sync.parseICS(readFileSync(0, "utf8")))) {
  if (event.type !== "VEVENT") continue;
  console.log(JSON.stringify({
    uid: event.uid,
    starts: told(event.start),
    ends: event.end ? told(event.end) : null,
    summary: text(event.summary),
    location: text(event.location),
    description: text(event.description),
    status: event.status ?? "",
  }));
}
