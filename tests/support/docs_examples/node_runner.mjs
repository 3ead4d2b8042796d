// Runs TypeScript samples, one after another, in this one process; see python_runner.py.

import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";

const say = process.stdout.write.bind(process.stdout);

async function run(folder) {
  process.chdir(folder);
  let printed = "";
  let fault = "";
  process.stdout.write = (text) => {
    printed += text;
    return true;
  };
  try {
    await import(pathToFileURL(`${folder}/typescript.mjs`));
  } catch (error) {
    fault = inspect(error);
  }
  process.stdout.write = say;
  writeFileSync("stdout.txt", printed);
  writeFileSync("stderr.txt", fault);
  return fault ? 1 : 0;
}

for await (const folder of createInterface({ input: process.stdin })) {
  say(`${await run(folder)}\n`);
}
