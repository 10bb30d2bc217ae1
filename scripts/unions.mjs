/** The unions of openapi.json as code of the console, which loads nothing of the services. */
import prettier from 'prettier';

/**
 * @param {string} document openapi.json
 * @param {string} file where the code goes
 * @returns {Promise<string>}
 */
export async function unionsOf(document, file) {
  /** @type {Record<string, { enum?: string[] }>} */
  const schemas = JSON.parse(document).components.schemas;
  const unions = Object.entries(schemas).flatMap(([name, { enum: values }]) =>
    values ? [`${name}: ${JSON.stringify(values)}`] : [],
  );
  const code = `/** Generated from openapi.json by \`npm run check -- --fix openapi\`: the values of each union that it names. */
    export const UNIONS = { ${unions.sort().join(', ')} } as const;
    /** A value of a union. */
    export type UnionOf<Name extends keyof typeof UNIONS> = (typeof UNIONS)[Name][number];`;
  return prettier.format(code, { ...(await prettier.resolveConfig(file)), filepath: file });
}
