import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchRoute, type RouteName, storageRoutes } from './index.js';

const storageIndex = fc.uint8Array({ minLength: 16, maxLength: 16 });
const names = Object.keys(storageRoutes) as RouteName[];

describe('storageRoutes', () => {
  it.each(names)('%s: the path is recognised again, with its parameters', (name) => {
    const { template, method } = storageRoutes[name];
    fc.assert(
      fc.property(storageIndex, fc.nat(2 ** 31 - 1), (index, shareNumber) => {
        const parameters = {
          ...(template.includes(':storageIndex') ? { storageIndex: index } : {}),
          ...(template.includes(':shareNumber') ? { shareNumber } : {}),
        };
        const path = (storageRoutes[name].path as (given: object) => string)(parameters);
        expect(matchRoute(method, path)).toEqual({ name, parameters });
      }),
    );
  });

  it('are the paths of the document', () => {
    const address = { storageIndex: new Uint8Array(16), shareNumber: 7 };
    expect(storageRoutes.writeShare.path(address)).toBe('/storage/v1/immutable/aaaaaaaaaaaaaaaaaaaaaaaaaa/7');
    expect(storageRoutes.renewLease.path(address)).toBe('/storage/v1/lease/aaaaaaaaaaaaaaaaaaaaaaaaaa');
  });

  it('tell what stores something new from what does not', () => {
    expect(names.filter((name) => storageRoutes[name].writes)).toEqual([
      'allocateShares',
      'writeShare',
      'storeWholeShares',
      'readTestWrite',
    ]);
  });
});

describe('matchRoute', () => {
  const bucket = '/storage/v1/immutable/aaaaaaaaaaaaaaaaaaaaaaaaaa';

  it('tells a wrong method from an unknown path', () => {
    expect(matchRoute('DELETE', `${bucket}/3`)).toEqual({ name: undefined, allowed: ['PATCH', 'GET'] });
    expect(matchRoute('GET', '/nothing')).toEqual({ name: undefined, allowed: [] });
  });

  it('passes over a query', () => {
    expect(matchRoute('GET', '/storage/v1/version?x=/y').name).toBe('version');
  });

  it.each([
    `${bucket}/03`,
    `${bucket}/-1`,
    `${bucket}/4294967296`,
    `${bucket}/shares/`,
    `${bucket.toUpperCase()}/shares`,
    // The last of 26 characters carries three bits, the rest of it must be zero.
    '/storage/v1/immutable/aaaaaaaaaaaaaaaaaaaaaaaaab/shares',
    '/storage/v1/immutable/aaaa/shares',
    '/storage/v1/immutable/../../etc/passwd',
  ])('%s is no path of ours', (path) => {
    expect(matchRoute('GET', path)).toEqual({ name: undefined, allowed: [] });
  });
});
