import { useReducer, useRef, useState } from 'preact/hooks';
import { formatBytes } from './format.js';
import { sendFile } from './send-file.js';
import { type Entry, UploadEntry } from './upload-entry.js';

type Change = { id: number } & Partial<Entry>;

let lastId = 0;

/** The upload form, and what became of each file chosen in it. */
export function Upload() {
  const [entries, change] = useReducer(applyChange, []);
  const [over, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);

  const store = (files: Iterable<File>) => {
    for (const file of files) start(file, change);
    // So that the same file can be chosen again.
    if (input.current) input.current.value = '';
  };

  return (
    <>
      <h2 id="upload-title">Store a file</h2>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a second way; the input inside is the first */}
      <div
        class={over ? 'drop over' : 'drop'}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          store(event.dataTransfer?.files ?? []);
        }}
      >
        <label for="file">Choose a file, or drop one here</label>
        <input
          id="file"
          type="file"
          multiple
          ref={input}
          onChange={(event) => store([...(event.currentTarget.files ?? [])])}
        />
      </div>
      <ul class="plain uploads" aria-live="polite">
        {entries.map((entry) => (
          <UploadEntry key={entry.id} entry={entry} />
        ))}
      </ul>
    </>
  );
}

function start(file: File, change: (change: Change) => void): void {
  lastId++;
  const id = lastId;
  const sending = sendFile(file, (progress) => change({ id, progress }));
  change({
    id,
    name: file.name,
    size: formatBytes(file.size),
    progress: { phase: 'sending', sent: 0, size: file.size },
    cancel: sending.cancel,
  });
  sending.capability.then(
    (capability) => change({ id, capability }),
    (error: Error) => change({ id, failure: error.message }),
  );
}

/** Newest first; a change with an id not seen before is a new entry. */
function applyChange(entries: readonly Entry[], change: Change): readonly Entry[] {
  if (entries.some(({ id }) => id === change.id))
    return entries.map((entry) => (entry.id === change.id ? { ...entry, ...change } : entry));
  return [change as Entry, ...entries];
}
