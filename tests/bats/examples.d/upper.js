#!/usr/bin/env node
// Sends back what is said, in capitals.
const { createInterface } = require("readline");

createInterface({ input: process.stdin }).on("line", (line) => {
  const { event, chan, text = "(no text)" } = JSON.parse(line);
  if (event === "message")
    console.log(JSON.stringify({ chan, text: text.toUpperCase() }));
});
