import { expect, it } from '@jest/globals';
import { fastify } from 'fastify';
import { RouteTable } from './route-table';

function tableOf(...routes: [method: 'GET' | 'POST' | 'PUT', url: string][]): RouteTable {
  const server = fastify();
  const table = new RouteTable();
  table.watch(server);
  for (const [method, url] of routes) server.route({ method, url, handler: () => 'done' });
  return table;
}

it('keeps an address that a route names in full from the parameters of others', () => {
  const table = tableOf(['GET', '/things/:id'], ['PUT', '/:kind/next'], ['POST', '/things/next']);
  expect(table.methodsOf('/things/next')).toEqual(['POST']);
  expect(table.namedIn('/things/next')).toEqual(['POST']);
  expect(table.methodsOf('/things/7')).toEqual(['GET', 'HEAD']);
  expect(table.namedIn('/things/7')).toBeUndefined();
  expect(table.methodsOf('/nothing')).toEqual([]);
});
