import { Capability } from './capability.js';
import { formatBytes } from './format.js';
import type { Progress } from './send-file.js';

/** One file that was chosen. */
export interface Entry {
  readonly id: number;
  readonly name: string;
  readonly size: string;
  readonly progress: Progress;
  readonly cancel: () => void;
  readonly capability?: string;
  readonly failure?: string;
}

/** A file on its way, stored or failed. */
export function UploadEntry({ entry }: { entry: Entry }) {
  const { name, size, capability, failure } = entry;
  return (
    <li>
      <p class="row">
        <b class="name">{name}</b> <span class="quiet">{size}</span>
      </p>
      {capability === undefined && failure === undefined && <UnderWay entry={entry} />}
      {failure !== undefined && (
        <p class="failure" role="alert">
          Not stored: {failure}
        </p>
      )}
      {capability !== undefined && <Capability capability={capability} name={name} />}
    </li>
  );
}

function UnderWay({ entry: { progress, name, cancel } }: { entry: Entry }) {
  const label = `Storing ${name}`;
  return (
    <div class="row">
      {progress.phase === 'sending' ? (
        <>
          <progress aria-label={label} max={Math.max(progress.size, 1)} value={progress.sent} />
          <span class="quiet">{formatBytes(progress.sent)} sent</span>
        </>
      ) : (
        <>
          <progress aria-label={label} />
          <span class="quiet">spreading it over the servers</span>
        </>
      )}
      <button type="button" class="second" onClick={cancel}>
        Cancel
      </button>
    </div>
  );
}
