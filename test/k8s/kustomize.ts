import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Labels };
}
type Labels = Record<string, string>;
type Fields = Record<string, any>;

interface Generator {
  name: string;
  behavior?: 'create' | 'merge' | 'replace';
  literals?: string[];
  files?: string[];
  options?: { disableNameSuffixHash?: boolean };
}
interface Kustomization {
  apiVersion: string;
  kind: string;
  namespace?: string;
  resources?: string[];
  components?: string[];
  labels?: { pairs: Labels; includeTemplates?: boolean }[];
  configMapGenerator?: Generator[];
  secretGenerator?: Generator[];
  patches?: { path: string; target?: { kind?: string; name?: string } }[];
  images?: { name: string; newName?: string; newTag?: string }[];
  replicas?: { name: string; count: number }[];
}
/** What this renders. Another field is an error, so that nothing is left out in silence. */
const FIELDS: Record<keyof Kustomization, true> = {
  apiVersion: true,
  kind: true,
  namespace: true,
  resources: true,
  components: true,
  labels: true,
  configMapGenerator: true,
  secretGenerator: true,
  patches: true,
  images: true,
  replicas: true,
};

/** Lists of objects that a strategic merge patch joins by these fields; it replaces all others. */
const MERGE_KEYS: Record<string, string[]> = {
  containers: ['name'],
  initContainers: ['name'],
  env: ['name'],
  volumes: ['name'],
  volumeMounts: ['mountPath'],
  ports: ['containerPort'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
};

/** Renders a folder as `kubectl kustomize` does, as far as our kustomizations go; one of its tests compares both. */
export function kustomize(folder: string): Manifest[] {
  const hashed = new Set<Manifest>();
  const manifests = build(folder, [], hashed);
  const names = new Map<string, string>();
  for (const manifest of hashed) {
    const { kind, metadata } = manifest;
    const name = `${metadata.name}-${suffix(manifest)}`;
    names.set(`${kind} ${metadata.name}`, name);
    metadata.name = name;
  }
  for (const manifest of manifests) rename(manifest, names);
  return manifests;
}

/** Adds a kustomization to what is there: nothing for one of its own, its user's resources for a component. */
function build(folder: string, before: Manifest[], hashed: Set<Manifest>): Manifest[] {
  const own = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as Kustomization;
  const unknown = Object.keys(own).find((field) => !Object.hasOwn(FIELDS, field));
  if (unknown)
    throw new Error(`${folder}/kustomization.yaml: test/k8s/kustomize.ts cannot render «${unknown}»`);

  let manifests = [...before];
  for (const resource of own.resources ?? []) {
    const path = join(folder, resource);
    manifests.push(...(statSync(path).isDirectory() ? build(path, [], hashed) : documents(path)));
  }
  for (const each of own.configMapGenerator ?? []) generate('ConfigMap', each, folder, manifests, hashed);
  for (const each of own.secretGenerator ?? []) generate('Secret', each, folder, manifests, hashed);
  for (const component of own.components ?? []) manifests = build(join(folder, component), manifests, hashed);

  for (const { path, target } of own.patches ?? []) {
    const [patch] = documents(join(folder, path));
    if (!patch) throw new Error(`${folder}/${path} holds no patch`);
    const { kind, name } = target ?? { kind: patch.kind, name: patch.metadata.name };
    const fits = (pattern: string | undefined, value: string): boolean =>
      pattern === undefined || new RegExp(`^(${pattern})$`).test(value);
    const targets = manifests.filter((one) => fits(kind, one.kind) && fits(name, one.metadata.name));
    if (targets.length === 0) throw new Error(`${folder}/${path} fits no resource`);
    // Who it is for is no part of the change.
    const change: Fields = { ...patch, metadata: { ...patch.metadata } };
    for (const field of ['apiVersion', 'kind']) Reflect.deleteProperty(change, field);
    Reflect.deleteProperty(change.metadata as Fields, 'name');
    for (const one of targets) merge(one, change);
  }
  for (const manifest of manifests) {
    const { spec } = manifest as Manifest & Fields;
    if (own.namespace && manifest.kind === 'Namespace') manifest.metadata.name = own.namespace;
    else if (own.namespace) manifest.metadata.namespace = own.namespace;
    for (const { pairs, includeTemplates } of own.labels ?? []) {
      merge(manifest, { metadata: { labels: pairs } });
      if (includeTemplates && spec?.template) merge(spec.template as Fields, { metadata: { labels: pairs } });
    }
    for (const container of (spec?.template?.spec?.containers ?? []) as { image: string }[]) {
      const [, name = '', tag = ''] = /^(.*?)(:[^/]*)?$/.exec(container.image) ?? [];
      const image = own.images?.find((candidate) => candidate.name === name);
      if (image) container.image = (image.newName ?? name) + (image.newTag ? `:${image.newTag}` : tag);
    }
    const replicas = own.replicas?.find(({ name }) => spec?.template && name === manifest.metadata.name);
    if (replicas) spec.replicas = replicas.count;
  }
  return manifests;
}

function documents(path: string): Manifest[] {
  return parseAllDocuments(readFileSync(path, 'utf8'), { merge: true }).map(
    (document) => document.toJS() as Manifest,
  );
}

function generate(
  kind: 'ConfigMap' | 'Secret',
  { name, behavior = 'create', literals = [], files = [], options }: Generator,
  folder: string,
  manifests: Manifest[],
  hashed: Set<Manifest>,
): void {
  const encode = (text: string): string => (kind === 'Secret' ? Buffer.from(text).toString('base64') : text);
  const data: Labels = {};
  for (const literal of literals) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(literal) ?? [];
    data[key] = encode(value);
  }
  for (const file of files) data[file] = encode(readFileSync(join(folder, file), 'utf8'));

  const present = manifests.find((one) => one.kind === kind && one.metadata.name === name) as
    (Manifest & { data: Labels }) | undefined;
  if ((behavior === 'create') === Boolean(present))
    throw new Error(`${folder}: ${kind} ${name} cannot ${behavior}`);
  if (present) {
    present.data = behavior === 'merge' ? { ...present.data, ...data } : data;
    return;
  }
  const made = {
    apiVersion: 'v1',
    kind,
    metadata: { name },
    data,
    ...(kind === 'Secret' && { type: 'Opaque' }),
  };
  manifests.push(made);
  if (!options?.disableNameSuffixHash) hashed.add(made);
}

/** A strategic merge patch. Joined lists begin with the patch's elements. */
function merge(target: Fields, patch: Fields): void {
  for (const [field, value] of Object.entries(patch)) {
    const present = target[field] as unknown;
    const keys = MERGE_KEYS[field];
    if (value === null) Reflect.deleteProperty(target, field);
    else if (Array.isArray(value) && Array.isArray(present) && keys) {
      const same = (a: Fields, b: Fields): boolean => keys.every((key) => a[key] === b[key]);
      const left = [...(present as Fields[])];
      const joined = (value as Fields[]).map((element) => {
        const at = left.findIndex((candidate) => same(candidate, element));
        const [found = {}] = at < 0 ? [] : left.splice(at, 1);
        merge(found, element);
        return found;
      });
      target[field] = [...joined, ...left];
    } else if (isObject(value) && isObject(present)) merge(present, value);
    else target[field] = structuredClone(value);
  }
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The hash that kustomize puts behind the name of a generated object: a new content rolls the pods. */
function suffix({ kind, data, type }: Manifest & Fields): string {
  const sorted = Object.fromEntries(Object.entries(data as Labels).sort(([a], [b]) => (a < b ? -1 : 1)));
  const json = JSON.stringify({ data: sorted, kind, name: '', type }).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const letters: Labels = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' };
  const hex = createHash('sha256').update(json).digest('hex').slice(0, 10);
  return hex.replace(/[013ae]/g, (digit) => letters[digit]!);
}

/** References to generated objects, wherever a pod can have them. */
const REFERENCES: Record<string, 'ConfigMap' | 'Secret'> = {
  configMapRef: 'ConfigMap',
  configMapKeyRef: 'ConfigMap',
  configMap: 'ConfigMap',
  secretRef: 'Secret',
  secretKeyRef: 'Secret',
};

function rename(value: unknown, names: Map<string, string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [field, child] of Object.entries(value)) {
    const kind = REFERENCES[field];
    const name = isObject(child) ? names.get(`${kind} ${child.name}`) : undefined;
    if (name) (child as Fields).name = name;
    rename(child, names);
  }
}
