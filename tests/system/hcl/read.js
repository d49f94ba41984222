// Reads .tf and .tfvars files with the parser of the tools themselves, compiled to WebAssembly:
// a line of JSON with, for each, its blocks and the text as `tofu fmt` would have it.
"use strict";
const fs = require("fs");
const { format } = require("@cdktf/hcl-tools");
const { parse } = require("@cdktf/hcl2json");

async function main() {
	const read = {};

	for (const path of process.argv.slice(2)) {
		const text = fs.readFileSync(path, "utf8");

		try {
			read[path] = { blocks: await parse(path, text), formatted: await format(text) };
		} catch (error) {
			read[path] = { fault: String(error.message) };
		}
	}
	fs.writeSync(1, JSON.stringify(read) + "\n");
	process.exit(0);
}

main();
