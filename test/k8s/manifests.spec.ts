import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { BlockList } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { ENVIRONMENT_VARIABLES, readConfig, type Config } from '@hitl/config';
import { QUEUES } from '@hitl/messaging';
import { MEMORY_BESIDE_HEAP_MB, SANDBOX_LIMITS } from '@hitl/sandbox';
import { HEALTH_LIVE_PATH, HEALTH_READY_PATH, METRICS_PATH } from '@hitl/observability';
import type { IScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import type { ITriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication';
import type { IDeployment } from 'kubernetes-models/apps/v1/Deployment';
import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { IConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodTemplateSpec } from 'kubernetes-models/v1/PodTemplateSpec';
import type { ISecret } from 'kubernetes-models/v1/Secret';
import type { IService } from 'kubernetes-models/v1/Service';
import ts from 'typescript';
import { parse, parseAllDocuments } from 'yaml';
import { kustomize, type Manifest } from './kustomize';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** What has a pod template: Deployment, StatefulSet and Job have it in the same place. */
interface Workload extends Manifest {
  spec: { template: IPodTemplateSpec };
}
type Environment = Record<string, string>;
type Labels = Record<string, string>;

const overlayFolder = (overlay: string): string => join(ROOT, 'k8s/overlays', overlay);

function documents(yaml: string): Manifest[] {
  return parseAllDocuments(yaml).map((document) => document.toJS() as Manifest);
}

/** The module that holds the model of a kind. */
function modelPath({ apiVersion, kind }: Manifest): string {
  const library = apiVersion.startsWith('keda.sh/') ? '@kubernetes-models/keda' : 'kubernetes-models';
  return `${library}/${apiVersion}/${kind}`;
}

/** What the KEDA models do not know yet: `fallback.behavior` is of KEDA 2.17. */
const NEWER_FIELDS: Record<string, string> = {
  ScaledObject: '{ spec: { fallback?: { behavior?: string } } }',
};

/**
 * Writes the objects as TypeScript literals of their models' types and compiles them: an unknown field or enumeration
 * value is an error of the compiler at any depth, which `validate()` does not see.
 */
function typeErrors(manifests: Manifest[]): string[] {
  const file = join(ROOT, 'test/k8s/rendered-manifests.ts');
  const source = manifests
    .map((manifest) => {
      const type = `import('${modelPath(manifest)}').I${manifest.kind} & ${NEWER_FIELDS[manifest.kind] ?? '{}'}`;
      return `export const ${manifest.kind}_${manifest.metadata.name.replace(/\W/g, '_')}: ${type} = ${JSON.stringify(manifest, null, 1)};`;
    })
    .join('\n');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile, readFile } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? source : readFile(name));
  host.getSourceFile = (name, version, ...rest) =>
    name === file ? ts.createSourceFile(name, source, version) : getSourceFile(name, version, ...rest);
  return ts
    .getPreEmitDiagnostics(ts.createProgram([file], options, host))
    .map(({ messageText, start = 0 }) => {
      const line = source.slice(source.lastIndexOf('\n', start) + 1).split('\n', 1)[0];
      return `${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
}

const KUBECTL = spawnSync('kubectl', ['version', '--client'], { timeout: 30_000 });
const identity = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`;

const matches = (selector: Labels = {}, labels: Labels = {}): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);

/** The only container. */
function app(workload: Workload): IContainer {
  const [container, ...others] = workload.spec.template.spec?.containers ?? [];
  if (!container || others.length > 0) throw new Error(`${workload.metadata.name} must have one container`);
  return container;
}

/** What each app can fill beside its heap: its sandboxes, and megabytes of buffers, as of bodies and of answers that nobody reads. */
const FILLS: Record<string, { sandboxes: (keyof typeof SANDBOX_LIMITS)[]; buffers: number }> = {
  gateway: { sandboxes: ['schemas', 'bodies'], buffers: 400 },
  'inference-worker': { sandboxes: ['checks'], buffers: 64 },
  'review-service': { sandboxes: ['checks', 'policy', 'dry-runs'], buffers: 64 },
};

const megabytes = (quantity: string): number =>
  parseInt(quantity) * (quantity.endsWith('Gi') ? 1024 : quantity.endsWith('Mi') ? 1 : NaN);
const seconds = (milliseconds: number): number => milliseconds / 1000;

describe.each(['dev', 'production'])('k8s/overlays/%s', (overlay) => {
  const manifests = kustomize(overlayFolder(overlay));
  // Production expects these to exist; the example says what must be in them.
  const external =
    overlay === 'production'
      ? documents(readFileSync(join(ROOT, 'k8s/overlays/production/secrets.example.yaml'), 'utf8'))
      : [];
  const all = <T>(kind: string): (T & Manifest)[] =>
    manifests.filter((manifest) => manifest.kind === kind) as (T & Manifest)[];

  const deployments = all<IDeployment & Workload>('Deployment');
  const workloads = [...deployments, ...all<Workload>('Job'), ...all<Workload>('StatefulSet')];
  const ours = workloads.filter(({ kind }) => kind !== 'StatefulSet');
  const templateLabels = workloads.map(({ spec }) => spec.template.metadata?.labels ?? {});

  const values = new Map<string, Environment>();
  for (const { metadata, data } of all<IConfigMap>('ConfigMap')) {
    values.set(metadata.name, data ?? {});
  }
  for (const { metadata, data, stringData } of [...all<ISecret>('Secret'), ...external] as (ISecret &
    Manifest)[]) {
    const decoded = Object.entries(data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, 'base64').toString(),
    ]);
    values.set(metadata.name, { ...Object.fromEntries(decoded), ...stringData } as Environment);
  }
  const valueOf = (name: string | undefined, key: string): string => {
    const value = values.get(name ?? '')?.[key];
    if (value === undefined) throw new Error(`there is no key ${key} in ${name}`);
    return value;
  };

  /** The environment as the kubelet would make it. */
  function environment(workload: Workload): Environment {
    const { envFrom = [], env = [] } = app(workload);
    const result: Environment = {};
    for (const { configMapRef, secretRef } of envFrom) {
      const name = (configMapRef ?? secretRef)?.name ?? '';
      if (!values.has(name)) throw new Error(`there is no ${name}`);
      Object.assign(result, values.get(name));
    }
    for (const { name, value, valueFrom } of env) {
      const ref = valueFrom?.secretKeyRef ?? valueFrom?.configMapKeyRef;
      result[name] = ref ? valueOf(ref.name, ref.key) : (value ?? '');
    }
    return result;
  }
  const configOf = (name: string): Config =>
    readConfig(environment(deployments.find(({ metadata }) => metadata.name === name)!));

  if (KUBECTL.status === 0) {
    it('is rendered here as by kubectl', () => {
      const { stdout } = spawnSync('kubectl', ['kustomize', overlayFolder(overlay)], { encoding: 'utf8' });
      const sorted = (list: Manifest[]): Manifest[] =>
        list.toSorted((a, b) => (identity(a) < identity(b) ? -1 : 1));
      expect(sorted(manifests)).toEqual(sorted(documents(stdout)));
    });
  }

  it('renders objects that the schemas of Kubernetes and KEDA accept', async () => {
    expect(deployments).toHaveLength(3);
    for (const manifest of [...manifests, ...external]) {
      const models = (await import(modelPath(manifest))) as Record<
        string,
        new (data: Manifest) => { validate(): void }
      >;
      expect(() => new models[manifest.kind]!(manifest).validate()).not.toThrow();
    }
  });

  it('has no field that Kubernetes or KEDA does not know', () => {
    expect(typeErrors([...manifests, ...external])).toEqual([]);
  });

  it('sets only environment variables that the code reads, to values that it accepts', () => {
    // NODE_OPTIONS is read by node itself.
    const known = [...ENVIRONMENT_VARIABLES, 'NODE_OPTIONS'];
    for (const workload of ours) {
      expect(known).toEqual(expect.arrayContaining(Object.keys(environment(workload))));
      expect(() => readConfig(environment(workload))).not.toThrow();
    }
    const secrets = [...values].find(([name]) => name.startsWith('hitl-secrets'))![1];
    expect(known).toEqual(expect.arrayContaining(Object.keys(secrets)));
  });

  it('gives every ConfigMap to some pod', () => {
    const read = ours.flatMap((workload) => [
      ...(app(workload).envFrom ?? []).map((ref) => ref.configMapRef?.name),
      ...(workload.spec.template.spec?.volumes ?? []).map((volume) => volume.configMap?.name),
    ]);
    expect(read).toEqual(expect.arrayContaining(all('ConfigMap').map(({ metadata }) => metadata.name)));
  });

  it('gives every app its database and its broker', () => {
    for (const { metadata } of deployments) {
      expect(configOf(metadata.name).DATABASE_URL).toMatch(/^postgres:/);
      expect(configOf(metadata.name).AMQP_URL).toMatch(/^amqps?:/);
    }
  });

  it('answers with a real model in production and with the demo model in development', () => {
    expect(configOf('inference-worker').MODEL_PROVIDER === 'demo').toBe(overlay === 'dev');
  });

  it('probes the paths that the code serves, on the port that it listens on', () => {
    for (const deployment of deployments) {
      const { ports, startupProbe, livenessProbe, readinessProbe } = app(deployment);
      const { HOST, PORT, MANAGEMENT_PORT } = configOf(deployment.metadata.name);
      expect(HOST).toBe('0.0.0.0');
      expect(ports).toEqual([
        { name: 'http', containerPort: PORT },
        { name: 'management', containerPort: MANAGEMENT_PORT },
      ]);
      // A crowd at the public port must not get the process killed.
      expect(startupProbe?.httpGet).toEqual({ path: HEALTH_LIVE_PATH, port: 'management' });
      expect(livenessProbe?.httpGet).toEqual({ path: HEALTH_LIVE_PATH, port: 'management' });
      expect(readinessProbe?.httpGet).toEqual({ path: HEALTH_READY_PATH, port: 'http' });
      expect(deployment.spec.template.metadata?.annotations).toMatchObject({
        'prometheus.io/path': METRICS_PATH,
        'prometheus.io/port': String(MANAGEMENT_PORT),
      });
    }
  });

  it('sends the traffic of each Service to a port of a pod', () => {
    expect(all('Service').map(({ metadata }) => metadata.name)).toContain('gateway');
    for (const { metadata, spec } of all<IService>('Service')) {
      const backends = workloads.filter((_, i) => matches(spec?.selector as Labels, templateLabels[i]));
      expect(backends.map((backend) => backend.metadata.name)).toEqual([metadata.name]);
      const served = spec!.ports!.map((port) => port.targetPort);
      // Metrics are not for whoever reaches a Service.
      const ports = app(backends[0]!).ports!.map(({ name }) => name);
      expect(ports.filter((name) => name !== 'management')).toEqual(served);
      expect(served).not.toContain('management');
    }
  });

  it('selects with each selector the pods that it is meant for', () => {
    for (const { metadata, spec } of deployments) {
      expect(spec.selector.matchLabels).toEqual({ 'app.kubernetes.io/name': metadata.name });
      const labels = spec.template.metadata?.labels as Labels;
      expect(matches(spec.selector.matchLabels as Labels, labels)).toBe(true);
      const spread = spec.template.spec?.topologySpreadConstraints ?? [];
      expect(spread).toHaveLength(2);
      for (const { labelSelector } of spread) {
        expect(matches(labelSelector?.matchLabels as Labels, labels)).toBe(true);
      }
    }
    for (const { metadata, spec } of all<INetworkPolicy>('NetworkPolicy')) {
      const { matchLabels, matchExpressions = [] } = spec!.podSelector;
      const selected = workloads.filter(
        (_, i) =>
          matches(matchLabels as Labels, templateLabels[i]) &&
          matchExpressions.every(({ key, values }) => values!.includes(templateLabels[i]![key] ?? '')),
      );
      const ports = selected.flatMap((workload) => (app(workload).ports ?? []).map(({ name }) => name));
      const named = (spec!.ingress ?? []).flatMap((rule) => (rule.ports ?? []).map(({ port }) => port));
      expect({ policy: metadata.name, selected: selected.length > 0, ports }).toEqual({
        policy: metadata.name,
        selected: true,
        ports: expect.arrayContaining(named),
      });
    }
  });

  it('denies all traffic that no policy allows, and lets out only the worker to a model and the gateway to webhooks', () => {
    const policies = all<INetworkPolicy>('NetworkPolicy');
    expect(policies.map(({ spec }) => spec)).toContainEqual({
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
    });
    const beyond = policies.filter(({ spec }) =>
      spec!.egress?.some(
        ({ ports }) =>
          !ports?.length || ports.some(({ port }) => ![53, 5432, 5671, 5672].includes(Number(port))),
      ),
    );
    expect(beyond.map(({ metadata, spec }) => [metadata.name, spec!.podSelector])).toEqual([
      ['model', { matchLabels: { 'app.kubernetes.io/name': 'inference-worker' } }],
      ['webhooks', { matchLabels: { 'app.kubernetes.io/name': 'gateway' } }],
    ]);
  });

  it('lets the gateway reach no private address on the ports of webhooks', () => {
    const webhooks = all<INetworkPolicy>('NetworkPolicy').find(
      ({ metadata }) => metadata.name === 'webhooks',
    )!;
    const allowed = new BlockList();
    const denied = new BlockList();
    const add = (list: BlockList, cidr: string): void => {
      const [address, prefix] = cidr.split('/') as [string, string];
      list.addSubnet(address, Number(prefix), address.includes(':') ? 'ipv6' : 'ipv4');
    };
    expect(webhooks.spec!.egress).toHaveLength(1);
    const [{ ports, to }] = webhooks.spec!.egress as [
      NonNullable<NonNullable<INetworkPolicy['spec']>['egress']>[number],
    ];
    expect(ports).toEqual([{ port: 443 }, { port: 80 }]);
    for (const { ipBlock, ...others } of to!) {
      expect(others).toEqual({});
      add(allowed, ipBlock!.cidr);
      for (const cidr of ipBlock!.except!) add(denied, cidr);
    }
    const reaches = (address: string): boolean => {
      const family = address.includes(':') ? 'ipv6' : 'ipv4';
      return allowed.check(address, family) && !denied.check(address, family);
    };
    const hidden = ['10.1.2.3', '172.31.0.1', '192.168.0.1', '127.0.0.1', '169.254.169.254', '100.64.0.1'];
    const hiddenToo = [
      '0.0.0.0',
      '168.63.129.16',
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      'fd00::1',
      'fe80::1',
    ];
    for (const address of [...hidden, ...hiddenToo, '64:ff9b::a00:1', '2002:a00:1::1']) {
      expect([address, reaches(address)]).toEqual([address, false]);
    }
    for (const address of ['1.1.1.1', '172.32.0.1', '2606:4700:4700::1111']) {
      expect([address, reaches(address)]).toEqual([address, true]);
    }
  });

  it('runs every pod under the restricted security standard, without a service account or service links', () => {
    for (const workload of workloads) {
      expect(workload.spec.template.spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      expect(app(workload).securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      });
    }
    for (const workload of ours) {
      expect(app(workload).securityContext?.readOnlyRootFilesystem).toBe(true);
      expect(app(workload).volumeMounts).toContainEqual({ name: 'tmp', mountPath: '/tmp' });
    }
  });

  it('has room for all that an app and its sandboxes can fill at once', () => {
    for (const deployment of deployments) {
      const { requests, limits } = app(deployment).resources!;
      expect(limits).toEqual({ memory: requests!.memory });
      const heap = Number(/--max-old-space-size=(\d+)/.exec(environment(deployment).NODE_OPTIONS!)?.[1]);
      const { sandboxes, buffers } = FILLS[deployment.metadata.name]!;
      const processes = sandboxes.map(
        (name) => SANDBOX_LIMITS[name].memoryMb * SANDBOX_LIMITS[name].processes,
      );
      const most = [heap + buffers, ...processes].reduce((sum, mb) => sum + mb + MEMORY_BESIDE_HEAP_MB, 0);
      expect(most).toBeLessThanOrEqual(megabytes(String(limits!.memory)));
    }
  });

  it('kills no app before it had its time to finish, nor a worker before its model call', () => {
    for (const deployment of deployments) {
      const [, preStop = 0] = (app(deployment).lifecycle?.preStop?.exec?.command ?? []).map(Number);
      expect(deployment.spec.template.spec!.terminationGracePeriodSeconds!).toBeGreaterThan(
        preStop + seconds(configOf(deployment.metadata.name).SHUTDOWN_GRACE_MS),
      );
    }
    const worker = configOf('inference-worker');
    expect(worker.SHUTDOWN_GRACE_MS).toBeGreaterThan(worker.MODEL_TIMEOUT_MS);
  });

  it('keeps only the gateway alive for the requests that are still on their way', () => {
    const waiting = deployments.filter((deployment) => app(deployment).lifecycle?.preStop);
    expect(waiting.map(({ metadata }) => metadata.name)).toEqual(['gateway']);
  });

  it('never blocks the drain of a node', () => {
    const budgets = all<IPodDisruptionBudget>('PodDisruptionBudget');
    expect(budgets.map(({ spec }) => spec)).toEqual(
      deployments.map(({ spec }) => ({
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
        selector: spec.selector,
      })),
    );
  });

  it('migrates with the image that the gateway runs', () => {
    const [job, ...others] = all<Workload>('Job');
    expect(others).toEqual([]);
    expect(app(job!)).toMatchObject({
      command: ['node', '--enable-source-maps', 'hitl.js', 'migrate'],
      image: app(deployments[0]!).image,
    });
    expect(readConfig(environment(job!)).DATABASE_URL).toBe(configOf('gateway').DATABASE_URL);
  });

  if (overlay === 'dev') {
    it('needs neither KEDA nor a registry', () => {
      expect(manifests.filter(({ apiVersion }) => apiVersion.startsWith('keda.sh/'))).toEqual([]);
      expect(ours.map((workload) => app(workload).image)).toEqual(
        [...deployments, { metadata: { name: 'gateway' } }].map(
          ({ metadata }) => `hitl/${metadata.name}:dev`,
        ),
      );
    });
  } else {
    it('mounts the policy where the review service looks for it, under its own name', () => {
      const workload = deployments.find(({ metadata }) => metadata.name === 'review-service')!;
      const path = environment(workload).REVIEW_POLICY_FILE!;
      const mount = app(workload).volumeMounts!.find(({ mountPath }) => mountPath === dirname(path))!;
      const volume = workload.spec.template.spec!.volumes!.find(({ name }) => name === mount.name)!;
      const map = all('ConfigMap').find(({ metadata }) => metadata.name === volume.configMap?.name);
      expect(Object.keys((map as IConfigMap).data!)).toEqual([basename(path)]);
      expect(mount.subPath).toBeUndefined();
    });

    it('scales the workers, and nothing else, on the depth of the inference queue', () => {
      const [scaled, ...others] = all<IScaledObject>('ScaledObject');
      expect(others).toEqual([]);
      const { scaleTargetRef, triggers, minReplicaCount, maxReplicaCount, fallback } = scaled!.spec;
      expect(scaleTargetRef).toEqual({ name: 'inference-worker' });
      expect(triggers.map(({ type, metadata }) => ({ type, ...metadata }))).toEqual([
        {
          type: 'rabbitmq',
          protocol: 'http',
          mode: 'QueueLength',
          queueName: QUEUES.inference.name,
          value: String(configOf('inference-worker').WORKER_CONCURRENCY),
        },
      ]);
      expect(minReplicaCount).toBeGreaterThan(0);
      expect(fallback!.replicas).toBeGreaterThanOrEqual(minReplicaCount!);
      expect(maxReplicaCount).toBeGreaterThan(fallback!.replicas);
      // A count in the manifest would undo KEDA's at each apply.
      expect(deployments.map(({ metadata, spec }) => [metadata.name, spec.replicas])).toEqual([
        ['gateway', 3],
        ['inference-worker', undefined],
        ['review-service', 2],
      ]);
    });

    it('gives KEDA an address and credentials for the management API', () => {
      const [authentication, ...others] = all<ITriggerAuthentication>('TriggerAuthentication');
      expect(others).toEqual([]);
      expect(all<IScaledObject>('ScaledObject')[0]!.spec.triggers[0]!.authenticationRef).toEqual({
        name: authentication!.metadata.name,
      });
      const parameters = authentication!.spec.secretTargetRef!.map(({ parameter, name, key }) => [
        parameter,
        valueOf(name, key),
      ]);
      expect(Object.fromEntries(parameters)).toEqual({
        host: expect.stringMatching(/^https?:\/\/[^@]+\/$/),
        username: expect.stringMatching(/./),
        password: expect.stringMatching(/./),
      });
    });
  }
});

describe('docker/compose.yaml', () => {
  const withDefaults = (_: unknown, value: unknown): unknown =>
    typeof value === 'string' ? value.replace(/\$\{\w+:-([^}]*)\}/g, '$1') : value;
  const { services } = parse(readFileSync(join(ROOT, 'docker/compose.yaml'), 'utf8'), withDefaults, {
    merge: true,
  }) as {
    services: Record<string, { image: string; environment: Environment; stop_grace_period?: string }>;
  };
  const apps = Object.entries(services).filter(([, { image }]) => image.startsWith('hitl/'));

  it('sets only environment variables that the code reads, to values that it accepts', () => {
    expect(apps.map(([name]) => name)).toEqual(['migrate', 'gateway', 'inference-worker', 'review-service']);
    for (const [, { environment }] of apps) {
      expect(ENVIRONMENT_VARIABLES).toEqual(expect.arrayContaining(Object.keys(environment)));
      expect(() => readConfig(environment)).not.toThrow();
    }
  });

  it('passes on every variable under its own name, except where its own servers are', () => {
    const written = readFileSync(join(ROOT, 'docker/compose.yaml'), 'utf8');
    const own = ['HOST', 'DATA_DIR', 'DATABASE_URL', 'AMQP_URL'];
    const others = ENVIRONMENT_VARIABLES.filter((name) => !own.includes(name));
    expect(others.filter((name) => !written.includes(`\${${name}:`))).toEqual([]);
  });

  it('kills no app before it had its time to finish, nor a worker before its model call', () => {
    for (const [name, { environment, stop_grace_period }] of apps.filter(([name]) => name !== 'migrate')) {
      const { SHUTDOWN_GRACE_MS, MODEL_TIMEOUT_MS } = readConfig(environment);
      expect(parseInt(stop_grace_period!)).toBeGreaterThan(seconds(SHUTDOWN_GRACE_MS));
      if (name === 'inference-worker') expect(SHUTDOWN_GRACE_MS).toBeGreaterThan(MODEL_TIMEOUT_MS);
    }
  });
});
