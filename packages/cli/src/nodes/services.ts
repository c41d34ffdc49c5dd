const services = {
  introducer: () => import('@holdfast/introducer'),
  storage: () => import('@holdfast/storage'),
  broker: () => import('@holdfast/broker'),
  repairer: () => import('@holdfast/repairer'),
};

/** What a node is configured to be. */
export type Role = keyof typeof services;

export const roles = Object.keys(services) as Role[];

/** A service's code, loaded only when it is needed: commands that need none start at once. */
export function loadService(role: Role): Promise<{ run: (dir: string) => Promise<void> }> {
  return services[role]();
}
