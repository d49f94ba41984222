// Manifests, a JSON list on standard input, against Kubernetes' own schemas: prints a fault a line.
//
// The schemas let members pass that they do not know. A validator looks at each member that it
// knows, so one that it never looked at is one that Kubernetes does not have.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const schemas = `${process.argv[2]}/node_modules/kubernetes-models/_schemas`;
const faults = [];

function watched(value, path, seen) {
  if (value === null || typeof value !== "object") return value;
  const copy = Array.isArray(value) ? [] : {};
  for (const key of Object.keys(value)) copy[key] = watched(value[key], `${path}/${key}`, seen);
  return new Proxy(copy, {
    get(target, key) {
      if (typeof key === "string") seen.add(`${path}/${key}`);
      return target[key];
    },
  });
}

function* members(value, path) {
  if (value === null || typeof value !== "object") return;
  for (const key of Object.keys(value)) {
    yield `${path}/${key}`;
    yield* members(value[key], `${path}/${key}`);
  }
}

for (const manifest of JSON.parse(readFileSync(0, "utf-8"))) {
  const name = `${manifest.kind} ${manifest.metadata?.name}`;
  const [group, version] = manifest.apiVersion.includes("/")
    ? manifest.apiVersion.split("/") : ["core", manifest.apiVersion];
  const schema = "IoK8sApi" + [group.split(".")[0], version, manifest.kind]
    .map((word) => word[0].toUpperCase() + word.slice(1)).join("");
  let validate;
  try {
    ({ validate } = await import(pathToFileURL(`${schemas}/${schema}.js`)));
  } catch {
    faults.push(`${name}: Kubernetes has no ${manifest.kind} in ${manifest.apiVersion}`);
    continue;
  }
  const seen = new Set();
  if (!validate(watched(manifest, "", seen)))
    for (const error of validate.errors)
      faults.push(`${name}: ${error.instancePath}: ${error.message ?? error.keyword} ` +
        JSON.stringify(error.params));
  const unknown = [...members(manifest, "")].filter((path) => !seen.has(path));
  for (const path of unknown) faults.push(`${name}: ${path}: Kubernetes has no such member`);
}
for (const fault of faults) console.log(fault);
