/** One process of a lab. */
export interface ProcessStatus {
  readonly nickname: string;
  readonly role: string;
  /** null while it does not run. */
  readonly pid: number | null;
  /** Where it can be reached. */
  readonly url: string;
}

/** Who runs in a lab, as `holdfast lab status` shows it. */
export interface LabStatus {
  readonly dir: string;
  readonly supervisor: number;
  readonly state: 'starting' | 'running' | 'stopping';
  readonly processes: readonly ProcessStatus[];
}
